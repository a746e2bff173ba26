"""C-GET and C-MOVE: what is asked for, and the steps that answer it (PS3.4 C.4.2, C.4.3)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from .asked import UNIQUE, Asked, Level, above
from .commands import Status
from .fault import Exchange
from .finding import RefusedError, level_of
from .steps import Done, Plan, Progress, Store
from .stored import Stored

__all__ = ["plan_of_retrieve", "sent", "unique_keys"]

_NO_KEYS: Final = ("SpecificCharacterSet", "QueryRetrieveLevel", "QueryRetrieveView")
_WILDCARDS: Final = frozenset("*?")


def plan_of_retrieve(exchange: Exchange) -> Plan:
    """Return the steps that answer a retrieval."""
    chosen: Sequence[Stored] = exchange.archive.instances(unique_keys(exchange.asked))
    chosen = exchange.through(chosen, lambda fault: fault.chosen)
    return sent(chosen)


def sent(instances: Iterable[Stored]) -> Plan:
    """Return the steps that send instances, with pending responses between them."""
    steps = [step for instance in instances for step in (Store(instance), Progress())]
    return Plan([*steps[:-1], Done()])


def unique_keys(asked: Asked) -> dict[Level, tuple[str, ...]]:
    """Return the unique keys that are asked for; refuse what is none, or not enough."""
    level = level_of(asked)
    given = {one: asked.values(UNIQUE[one]) for one in (*above(level, asked.model), level)}
    keys = {element.keyword for element in asked.identifier} - set(_NO_KEYS)
    if keys - {UNIQUE[one] for one in given}:
        raise RefusedError(Status.DOES_NOT_MATCH)
    for one, values in given.items():
        if one is not level and asked.is_relational and not values:
            continue
        if not _is_legal(values, several=one is level and one is not Level.PATIENT):
            raise RefusedError(Status.DOES_NOT_MATCH)
    return {one: values for one, values in given.items() if values}


def _is_legal(values: Sequence[str], *, several: bool) -> bool:
    """One value, or a list of UIDs at the level that is asked for; never empty, no wildcard."""
    number_is_right = len(values) > 0 if several else len(values) == 1
    return number_is_right and all(value and not _WILDCARDS & set(value) for value in values)
