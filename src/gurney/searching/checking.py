"""Items of a search compared with its query: what does not match is held back, and said."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping

import attrs

from ..core import HeldBack, Matches, SeriesReference, StudyReference, is_uid
from .desk import Item

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
    unclear
        How many were held back because they do not show a key that the archive does not heed:
        nobody vouches for them.
    """

    items: Mapping[str, Item]
    held_back: tuple[HeldBack, ...]
    unverified: Mapping[str, int]
    ignored: tuple[str, ...]
    unclear: int


def checked(
    items: Mapping[str, Item],
    check: Callable[[Item], Matches],
    check_as_asked: Callable[[Item], Matches],
) -> Checked:
    """Compare *items*, by UID or by UIDs, with a query.

    What matches only what was asked, which may be wider, is none of the archive's faults.
    """
    matching: dict[str, tuple[Item, tuple[str, ...]]] = {}
    held_back: list[HeldBack] = []
    unmatched: list[tuple[str, ...]] = []
    for uids, item in items.items():
        answer = check(item)
        if answer.matched:
            matching[uids] = (item, answer.unverified)
        elif not (asked := check_as_asked(item)).matched:
            held_back.append(_held_back(uids, item, f"does not match {_listed(answer.unmatched)}"))
            unmatched.append(asked.unmatched)
    ignored = () if matching else _in_all(unmatched)
    unheeded = frozenset(name for names in unmatched for name in names)
    unclear = [uids for uids, (_, names) in matching.items() if not unheeded.isdisjoint(names)]
    for uids in unclear:
        item, names = matching.pop(uids)
        which = _listed(name for name in names if name in unheeded)
        reason = f"does not show {which}, which the archive does not heed"
        held_back.append(_held_back(uids, item, reason))
    unverified = Counter(name for _, names in matching.values() for name in names)
    found = {uids: item for uids, (item, _) in matching.items()}
    return Checked(found, tuple(held_back), unverified, ignored, len(unclear))


def _in_all(names: Iterable[Iterable[str]]) -> tuple[str, ...]:
    first, *others = [*names] or [()]
    return tuple(name for name in first if all(name in other for other in others))


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names)


def _held_back(uids: str, item: Item, reason: str) -> HeldBack:
    reference: StudyReference | SeriesReference | None = None
    names = uids.split("/")
    if all(map(is_uid, names)):
        reference = StudyReference(*names) if len(names) == 1 else SeriesReference(*names)
    return HeldBack(reason, reference, item.dataset())
