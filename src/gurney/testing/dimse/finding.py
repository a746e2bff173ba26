"""C-FIND: what is asked for, and the steps that answer it (PS3.4 C.4.1)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset

from gurney.core import QueryError, put, text

from .archives import IncompleteError
from .asked import UNIQUE, Asked, Level, above
from .commands import Status
from .fault import Exchange
from .steps import Done, Pending, Plan

__all__ = ["RefusedError", "level_of", "plan_of_find"]

_CHARACTER_SET: Final = 0x00080005
_WILDCARDS: Final = frozenset("*?")


class RefusedError(Exception):
    """The request is answered with this status, and nothing else."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status: int = status


def plan_of_find(exchange: Exchange, called: str) -> Plan:
    """Return the steps that answer a search."""
    asked = exchange.asked
    level = level_of(asked)
    if not asked.is_relational:
        for upper in above(level, asked.model):
            _single(asked, upper)
    status: int = Status.SUCCESS
    try:
        found: Sequence[Dataset] = exchange.archive.find(level, asked.identifier)
    except IncompleteError as incomplete:
        found, status = incomplete.found, incomplete.status
    except QueryError:
        raise RefusedError(Status.DOES_NOT_MATCH) from None
    found = exchange.through(found, lambda fault: fault.found)
    answers: Sequence[Dataset] = [_answer(asked, level, item, called) for item in found]
    answers = exchange.through(answers, lambda fault: fault.described)
    return Plan([*map(Pending, answers), Done(status)])


def level_of(asked: Asked) -> Level:
    """Return the level that is asked for; refuse what the information model does not have."""
    if asked.level not in [level.value for level in asked.model.levels]:
        raise RefusedError(Status.DOES_NOT_MATCH)
    return Level(asked.level)


def _single(asked: Asked, level: Level) -> None:
    """See that a unique key of a level above is there, with one value (PS3.4 C.4.1.2.1)."""
    values = asked.values(UNIQUE[level])
    if len(values) != 1 or _WILDCARDS & set(values[0]):
        raise RefusedError(Status.DOES_NOT_MATCH)


def _answer(asked: Asked, level: Level, item: Dataset, called: str) -> Dataset:
    """Return what was asked for of an object: each key, empty where nothing is known."""
    answer = Dataset()
    for key in asked.identifier:
        if key.tag == _CHARACTER_SET:
            continue
        known = _known(item, key)
        answer.add(DataElement(key.tag, key.VR, "") if known is None else known)
    for one in (*above(level, asked.model), level):
        put(answer, UNIQUE[one], [text(item, UNIQUE[one])])
    put(answer, "QueryRetrieveLevel", [level.value])
    put(answer, "RetrieveAETitle", [called])
    return answer


def _known(item: Dataset, key: DataElement) -> DataElement | None:
    try:
        return item[key.tag] if key.tag in item else None  # noqa: SIM401  `get` gives raw elements
    except Exception:  # noqa: BLE001  pydicom raises a dozen classes on damaged values (P01)
        return None
