"""Does an item of an answer match the query? Archives ignore keys they do not support (Q15)."""

from __future__ import annotations

from collections.abc import Callable

from pydicom.dataset import Dataset

from ..core import Matches, Query, matcher
from .desk import Item

__all__ = ["rechecker"]


def rechecker(query: Query | Dataset) -> Callable[[Item], Matches]:
    """Compile *query*, or its keys, into a function that compares items with it: `core.matches`.

    It remembers its last answer: the items of a study, which come together, repeat what they say
    of the study, and to make data sets of them all would take longer than everything else.

    Examples
    --------
    >>> from gurney.dicomweb.dicomjson import parse
    >>> check = rechecker(Query(PatientID="7"))
    >>> [check(item).matched for item in parse(b'[{"PatientID": "7"}, {"PatientID": "8"}]')]
    [True, False]
    """
    match = matcher(query)
    keys = query.identifier() if isinstance(query, Query) else query
    tags = frozenset(keys.keys())
    names = [f"{tag:08X}" for tag in tags]
    last: tuple[list[object], Matches] | None = None

    def check(item: Item) -> Matches:
        nonlocal last
        said = item.written(names)
        try:
            if last is not None and said == last[0]:
                return last[1]
        except RecursionError:  # JSON can be nested just deeply enough to be parsed
            pass
        answer = match(item.dataset(tags.__contains__))
        last = said, answer
        return answer

    return check
