"""What is in a study: its series, and their instances if these are wanted."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Final

import attrs

from ..core import (
    Assembler,
    Assembly,
    BudgetExceededError,
    BusyError,
    Completeness,
    DICOMObjectLevels,
    GurneyError,
    HeldBack,
    NotFoundError,
    ProtocolViolationError,
    RequestRefusedError,
    TransferInterruptedError,
    unique,
)
from .counting import count_of, doubts_about_series
from .desk import Item, Listing
from .doubts import Doubt
from .instances import InstanceSearch
from .keys import OF_EQUIPMENT
from .one_study import Listed, OneStudy, Plan
from .questions import SeriesKeys

__all__ = ["Branch", "find_branch"]

_STUDY, _SERIES, _INSTANCE = sorted(DICOMObjectLevels, reverse=True)
_FAILURES: Final = (
    BudgetExceededError,
    BusyError,
    NotFoundError,
    ProtocolViolationError,
    RequestRefusedError,
    TransferInterruptedError,
)


@attrs.frozen
class Branch:
    """What was found in one study.

    Attributes
    ----------
    assembly
        Its tree.
    wanted
        Whether it has the series that the query asks for.
    doubts
        Why there may be more.
    held_back, notes
        As in `SearchResult`.
    failure
        What kept it from being listed.
    tells_equipment
        Whether the archive was seen to tell the equipment of each series, not of one for all.
    untold
        Doubts that hold if it never is.
    """

    assembly: Assembly
    wanted: bool
    doubts: tuple[Doubt, ...]
    held_back: tuple[HeldBack, ...]
    notes: tuple[str, ...]
    failure: GurneyError | None
    tells_equipment: bool = False
    untold: tuple[Doubt, ...] = ()


def find_branch(plan: Plan, uid: str, items: Collection[Item]) -> Branch:
    """Find the series of the study *uid* that match, and their instances if these are wanted.

    Of the study there is one item, or one for each of its patients.
    """
    study = OneStudy(plan, uid, items)
    climb = _Climb(study)
    failure: GurneyError | None = None
    try:
        climb.go()
    except _FAILURES as error:
        failure = error
        reason = "a part of it could not be listed"
        study.doubts.append(Doubt(reason, uid, str(error), Completeness.CAPPED))
    return Branch(
        climb.assembler.finish(),
        climb.wanted or failure is not None,
        tuple(study.doubts),
        tuple(study.held_back),
        tuple(study.notes),
        failure,
        climb.tells_equipment,
        tuple(climb.untold),
    )


class _Climb:
    """The search in one study, while it goes on."""

    def __init__(self, study: OneStudy) -> None:
        self.assembler: Assembler = Assembler()
        self.wanted: bool = True
        self.tells_equipment: bool = False
        self.untold: list[Doubt] = []
        self._study: OneStudy = study
        self._odd: list[tuple[str, Item]] = []  # series without a UID, and doubles
        self.assembler.add(next(iter(study.items)), _STUDY)

    def go(self) -> None:
        plan = self._study.plan
        listed = plan.listed.get(self._study.uid)
        if listed is not None and self._agrees(listed):
            self.assembler = listed.assembler
            return
        every = series = self._all_series()
        self.wanted = all(self._matches(every, keys) for keys in plan.wanted)
        if plan.returned is not None and self.wanted:
            series = self._matching(every, plan.returned)
            self.wanted = bool(series)
        if not self.wanted:
            return
        for rows in series.values():
            self.assembler.add(rows[0], _SERIES)
        for uid, item in self._odd:
            if not uid or uid in series:
                self.assembler.add(item, _SERIES)  # which holds it back, and says why
        if plan.level is _INSTANCE:
            instances = InstanceSearch(self._study, self.assembler)
            instances.run(series, whole=len(series) == len(every))

    def _agrees(self, listed: Listed) -> bool:
        """Say whether a listing of the whole archive has all that this study counts."""
        items, series = self._study.items, {names[1] for names in listed.names}
        if len(series) != count_of(items, "NumberOfStudyRelatedSeries"):
            return False
        if self._study.plan.level is _SERIES:
            return True
        return len(listed.names) == count_of(items, "NumberOfStudyRelatedInstances")

    def _all_series(self) -> Mapping[str, Sequence[Item]]:
        """List all, whether they match or not: the archive counts all.

        Of each there is one item, or one for each of its patients (Q33).
        """
        study, found = self._study, dict[str, list[Item]]()
        counted = count_of(study.items, "NumberOfStudyRelatedSeries")
        listing = study.series(counted)
        self._take(listing, found)
        if _count(found) < (counted or 0):  # perhaps it was an accident
            listing = study.series(counted)
            self._take(listing, found, again=True)
        listed = _count(found)
        if counted is not None and listed < counted:
            for uid, item in study.series_by_number(found, counted - listed).items():
                found.setdefault(uid, [item])
        count = _count(found)
        study.judge(listing, count, counted)
        if counted is not None or not study.plan.desk.is_surely_whole(count):
            study.doubts += doubts_about_series(study.uid, count, counted, cut=count > listed)
        study.note_more("series", count, counted)
        return found

    def _take(self, listing: Listing, found: dict[str, list[Item]], *, again: bool = False) -> None:
        shared = len(self._study.items) > 1
        for names, item in self._study.own(listing):
            uid, rows = names[-1], found.get(names[-1], [])
            if uid and (not rows or (shared and _is_of_another_patient(item, rows))):
                found.setdefault(uid, rows).append(item)
            elif not again:
                self._odd.append((uid, item))

    def _matches(self, series: Mapping[str, Sequence[Item]], wanted: SeriesKeys) -> bool:
        """Say whether some series matches."""
        if wanted.of_equipment and len(series) > 1:
            told = {tuple(rows[0].text(name) for name in OF_EQUIPMENT) for rows in series.values()}
            self.tells_equipment |= len(told) > 1
        if self._matching(series, wanted):
            return True
        if wanted.of_equipment and len(series) > 1:
            names = " and ".join(wanted.keys)
            reason = f"the archive may tell {names} of one series of a study only; others may match"
            self.untold.append(Doubt(reason, self._study.uid))
        return False

    def _matching(
        self, series: Mapping[str, Sequence[Item]], wanted: SeriesKeys
    ) -> Mapping[str, Sequence[Item]]:
        """Return the series that match; the archive is asked about those that do not show it."""
        answers = {uid: wanted.check(rows[0]) for uid, rows in series.items()}
        asked: set[str] = set()
        if any(answer.matched and answer.unverified for answer in answers.values()):
            listing = self._study.series(keys=wanted.keys)
            asked = {names[-1] for names, _ in self._study.own(listing)}
        matching = {
            uid: rows
            for uid, rows in series.items()
            if answers[uid].matched and (uid in asked or not answers[uid].unverified)
        }
        for name in unique(name for uid in matching for name in answers[uid].unverified):
            self._study.notes[
                f"series are included although {name} could not be checked: the archive returns no"
                f" such attribute, or none that is precise enough"
            ] = None
        return matching


def _count(series: Mapping[str, Sequence[Item]]) -> int:
    return sum(map(len, series.values()))


def _is_of_another_patient(item: Item, rows: Iterable[Item]) -> bool:
    return item.text("PatientID") not in {row.text("PatientID") for row in rows}
