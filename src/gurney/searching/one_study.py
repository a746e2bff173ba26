"""Questions about one study, and what is to be said about the answers."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import TypeAlias

import attrs

from ..core import (
    Assembler,
    Completeness,
    DICOMObjectLevels,
    Found,
    HeldBack,
    search_by_number,
)
from .allowance import Allowance
from .desk import Desk, Item, Listing, Names, Question
from .doubts import Doubt
from .keys import Keys
from .questions import SeriesKeys

__all__ = ["Listed", "OneStudy", "Plan", "Rows"]

Rows: TypeAlias = Iterable[tuple[Names, Item]]
"""Items of a listing, with their UIDs from the study down."""


@attrs.define
class Listed:
    """What a listing of the whole archive has said of one study.

    Attributes
    ----------
    assembler
        Holds it.
    names
        Of what was listed.
    """

    assembler: Assembler = attrs.field(factory=Assembler)
    names: set[Names] = attrs.field(factory=set[Names])

    def add(self, names: Names, item: Item, level: DICOMObjectLevels) -> None:
        """Take in a series or an instance."""
        self.names.add(names)
        self.assembler.add(item, level)


@attrs.frozen
class Plan:
    """What to find in each study.

    Attributes
    ----------
    desk
        Who asks.
    level
        How deep to go.
    wanted
        What some series of a study must match, each; else the study is not wanted.
    returned
        What series must match to be returned; `None` for all of them.
    fields
        What to ask for by name, by level.
    allowance
        How many requests may go to filling gaps.
    listed
        What is known already of studies, from a listing of the whole archive.
    """

    desk: Desk
    level: DICOMObjectLevels
    wanted: tuple[SeriesKeys, ...]
    returned: SeriesKeys | None
    fields: Mapping[DICOMObjectLevels, tuple[str, ...]]
    allowance: Allowance
    listed: Mapping[str, Listed] = attrs.field(factory=dict[str, Listed])


class OneStudy:
    """Asks about one study, and collects what there is to say.

    Attributes
    ----------
    plan
        What to find.
    uid
        Of the study.
    items
        What the archive says of it: one item, or one for each of its patients.
    doubts, held_back, notes
        What there is to say.
    """

    def __init__(self, plan: Plan, uid: str, items: Collection[Item]) -> None:
        self.plan: Plan = plan
        self.uid: str = uid
        self.items: Collection[Item] = items
        self.doubts: list[Doubt] = []
        self.held_back: list[HeldBack] = []
        self.notes: dict[str, None] = {}

    # ------------------------------------------------------------ asking

    def series(self, expected: int | None = None, keys: Keys | None = None) -> Listing:
        """List its series, *expected* in number."""
        return self._listing(DICOMObjectLevels.SERIES, expected, keys)

    def instances(
        self, series_uid: str = "", expected: int | None = None, keys: Keys | None = None
    ) -> Listing:
        """List its instances, or those of one series."""
        return self._listing(DICOMObjectLevels.INSTANCE, expected, keys, series_uid)

    def _listing(
        self,
        level: DICOMObjectLevels,
        expected: int | None,
        keys: Keys | None,
        *above: str,
    ) -> Listing:
        uids, fields = (self.uid, *filter(None, above)), self.plan.fields[level]
        if len(self.items) > 1:  # what they share is told apart by patient (Q33)
            fields = (*fields, "PatientID")
        question = Question(level, keys or {}, fields, above=uids)
        return self.plan.desk.list(question, expected=expected)

    def own(self, rows: Rows) -> Iterator[tuple[Names, Item]]:
        """Yield what is of this study; hold back what is not."""
        for names, item in rows:
            if names[0] == self.uid:
                yield names, item
            else:
                self.hold_back_foreign(item)

    def series_by_number(
        self, found: Mapping[str, Sequence[Item]], missing: int
    ) -> Mapping[str, Item]:
        """Return the series *found*, and those that a listing left out, asked for by number."""

        def ask(keys: Keys) -> Found[Item]:
            return self._numbered(self.series(keys=keys))

        return search_by_number(
            ask,
            Found({uid: rows[0] for uid, rows in found.items()}),
            "SeriesNumber",
            expected=len(found) + missing,
            budget=self._budget(missing),
        ).items

    def instances_by_number(
        self, series_uid: str, found: Mapping[str, Item], counted: int
    ) -> Mapping[str, Item]:
        """Ask for the instances that the listing of a series left out, number by number."""

        def ask(keys: Keys) -> Found[Item]:
            return self._numbered(self.instances(series_uid, keys=keys))

        budget = self._budget(counted - len(found))
        return search_by_number(
            ask, Found(found), "InstanceNumber", expected=counted, budget=budget
        ).items

    def _numbered(self, listing: Listing) -> Found[Item]:
        self.plan.allowance.take()
        return Found({names[-1]: item for names, item in self.own(listing) if names[-1]})

    def _budget(self, missing: int) -> int:
        """Return how many questions may bring what is missing, if the count is right."""
        return min(self.plan.allowance.left, 4 * missing + 20)

    # ------------------------------------------------------------ saying

    def judge(self, listing: Listing, count: int, counted: int | None) -> None:
        """Say how a listing ended, unless everything is there all the same."""
        if listing.note:
            self.notes[listing.note] = None
        if counted is not None and count >= counted:
            return
        if listing.capped:
            self.doubts.append(Doubt(listing.capped, self.uid, "", Completeness.CAPPED))
        elif listing.doubt:
            self.doubts.append(Doubt(listing.doubt, self.uid))

    def note_more(self, what: str, listed: int, counted: int | None) -> None:
        """Say so if there is more than the archive counts: its counts are wrong, no more."""
        if counted is not None and listed > counted:
            self.notes[f"more {what} of study {self.uid} are listed than counted"] = None

    def note_less(self, listed: int, counted: int | None) -> None:
        """Say so if the study counts more than is listed, which its series' own counts confirm."""
        if counted is not None and listed < counted:
            self.notes[
                f"study {self.uid} counts {counted} instances, but it counts all of its series, "
                f"and these count {listed}: they were believed"
            ] = None

    def hold_back_foreign(self, item: Item) -> None:
        """Hold back what is part of something else."""
        self.held_back.append(HeldBack("is not part of what was listed", None, item.dataset()))
