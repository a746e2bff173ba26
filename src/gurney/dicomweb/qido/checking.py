"""Items of a search compared with its query: what does not match is held back, and said."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping

import attrs

from ...core import HeldBack, Matches, SeriesReference, StudyReference, is_uid
from ..dicomjson import JSONItem

__all__ = ["Checked", "checked"]


@attrs.frozen
class Checked:
    """Items after the comparison.

    Attributes
    ----------
    items
        Those that match, as far as they say.
    held_back
        The others, with the reason.
    unverified
        How many of the items say nothing certain, by key.
    ignored
        Keys that none of the items matches: the archive seems not to heed them (Q15).
    """

    items: Mapping[str, JSONItem]
    held_back: tuple[HeldBack, ...]
    unverified: Mapping[str, int]
    ignored: tuple[str, ...]


def checked(
    items: Mapping[str, JSONItem],
    check: Callable[[JSONItem], Matches],
    check_as_asked: Callable[[JSONItem], Matches],
) -> Checked:
    """Compare *items*, by UID or by UIDs, with a query.

    What matches only what was asked, which may be wider, is none of the archive's faults.
    """
    matching: dict[str, JSONItem] = {}
    held_back: list[HeldBack] = []
    unmatched: list[tuple[str, ...]] = []
    unverified: Counter[str] = Counter()
    for uids, item in items.items():
        answer = check(item)
        if answer.matched:
            matching[uids] = item
            unverified.update(answer.unverified)
        elif not check_as_asked(item).matched:
            held_back.append(_held_back(uids, item, answer.unmatched))
            unmatched.append(answer.unmatched)
    ignored = () if matching else _in_all(unmatched)
    return Checked(matching, tuple(held_back), unverified, ignored)


def _in_all(names: Iterable[Iterable[str]]) -> tuple[str, ...]:
    first, *others = [*names] or [()]
    return tuple(name for name in first if all(name in other for other in others))


def _held_back(uids: str, item: JSONItem, keywords: Iterable[str]) -> HeldBack:
    reference: StudyReference | SeriesReference | None = None
    names = uids.split("/")
    if all(map(is_uid, names)):
        reference = StudyReference(*names) if len(names) == 1 else SeriesReference(*names)
    return HeldBack(f"does not match {', '.join(keywords)}", reference, item.dataset())
