"""Why a result may not be everything, put together for people."""

from __future__ import annotations

from collections.abc import Iterable

import attrs

from ..core import Completeness, unique

__all__ = ["Doubt", "in_words"]


@attrs.frozen
class Doubt:
    """A reason why something is not known to be complete.

    Attributes
    ----------
    reason
        In words that name no patient.
    study_uid
        Which study it is about; ``""`` for the result as a whole.
    detail
        More about that study.
    completeness
        What the reason makes of the result.
    """

    reason: str
    study_uid: str = ""
    detail: str = ""
    completeness: Completeness = Completeness.UNKNOWN


def in_words(doubts: Iterable[Doubt]) -> tuple[str, ...]:
    """Return each reason once, with the first study that it is about.

    Examples
    --------
    >>> in_words([Doubt("series are missing", "1.2", "2 of 3"), Doubt("series are missing", "1.3")])
    ('series are missing: study 1.2 (2 of 3), and 1 more',)
    """
    studies: dict[str, dict[str, str]] = {}
    for doubt in doubts:
        about = studies.setdefault(doubt.reason, {})
        if doubt.study_uid:
            about.setdefault(doubt.study_uid, doubt.detail)
    return tuple(unique(_worded(reason, about) for reason, about in studies.items()))


def _worded(reason: str, studies: dict[str, str]) -> str:
    if not studies:
        return reason
    (uid, detail), *others = studies.items()
    named = f"{reason}: study {uid}{f' ({detail})' if detail else ''}"
    return f"{named}, and {len(others)} more" if others else named
