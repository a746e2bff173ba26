"""What comes against what is wanted: foreign, unasked and doubled instances are told apart."""

from __future__ import annotations

import logging
from enum import Enum
from typing import Final

import attrs

from ..core import InstanceReference, is_uid
from .peeking import UIDs
from .planning import Wanted

__all__ = ["Came", "Judged", "Verdict"]

_log = logging.getLogger("gurney.retrieving")
_OTHERS: Final = ("an instance of another study", "one of another series", "another instance")


class Verdict(Enum):
    """What one arrival is."""

    WANTED = "it is to be passed on"
    UNASKED = "nobody asked for it, or for something else"
    DOUBLED = "it has come before"
    NOTHING = "it is no instance at all"


@attrs.frozen
class Judged:
    """What one arrival is.

    Attributes
    ----------
    verdict
        Whether it is to be passed on, or why not.
    reference
        The instance it is; `None` unless it is to be passed on.
    fault
        What is wrong with an archive that sends it; empty if nothing is.
    """

    verdict: Verdict
    reference: InstanceReference | None = None
    fault: str = ""


class Came:
    """The instances that have come in one download, or were given up."""

    def __init__(self) -> None:
        self._uids: set[tuple[str, ...]] = set()

    def judge(self, wanted: Wanted, uids: UIDs, fault: str) -> Judged:
        """Say what came when *wanted* was asked for; what is to be passed on has come from now on.

        Parameters
        ----------
        wanted
            What was asked for.
        uids
            Study, Series and SOP Instance UID of what came; empty where it does not say.
        fault
            Why it does not say.
        """
        asked = wanted.reference.uids
        reference = None if wanted.expected is None else wanted.expected.get(uids)
        if reference is None:
            if not all(map(is_uid, uids)):
                _log.warning("%s: what came is no instance: %s", wanted.reference, fault)
                why = fault or "its UIDs are none"
                reason = f"what came instead is no instance: {why}"
                return Judged(Verdict.NOTHING, fault=reason)
            if uids[: len(asked)] != asked:
                other = _OTHERS[next(i for i, uid in enumerate(asked) if uid != uids[i])]
                _log.warning("%s: %s came instead; refused", wanted.reference, other)
                return Judged(Verdict.UNASKED, fault=f"{other} came instead, and was refused")
            reference = InstanceReference(*uids)
            if wanted.expected is not None and not wanted.all_wanted:
                _log.info("%s came unasked; passed over", reference)
                return Judged(Verdict.UNASKED)
        if uids in self._uids:
            _log.info("%s came a second time; refused", reference)
            return Judged(Verdict.DOUBLED)
        self._uids.add(uids)
        return Judged(Verdict.WANTED, reference)

    def add(self, uids: tuple[str, ...]) -> None:
        """Wait for these no longer."""
        self._uids.add(uids)

    def below(self, uids: tuple[str, ...]) -> set[tuple[str, ...]]:
        """Return what has come of a study or series."""
        return {came for came in self._uids if came[: len(uids)] == uids}

    def missing(self, wanted: Wanted) -> list[InstanceReference]:
        """Return what is expected and has not come, in the order asked for."""
        expected = wanted.expected or {}
        return [ref for uids, ref in expected.items() if uids not in self._uids]
