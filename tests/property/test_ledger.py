"""Laws of ledgers: one outcome for each instance, whatever happens in whatever order."""

from __future__ import annotations

import tempfile
from collections import Counter
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from gurney.core import (
    Completeness,
    DICOMObjectLevels,
    Expectation,
    InstanceReference,
    Outcome,
    OutcomeStatus,
    Receipt,
)
from gurney.manners import Retries
from gurney.transfer.ledger import Claim, Ledger
from gurney.transfer.parcels import Delivered, Parcel
from gurney.transfer.reporting import Report

RETRIES = Retries(attempts=2, first_wait=0.0)
GOOD = {OutcomeStatus.STORED, OutcomeStatus.ALREADY_THERE, OutcomeStatus.WITHHELD}
EVERYTHING = [
    InstanceReference(str(study), f"{study}.{series}", f"{study}.{series}.{number}")
    for study in range(1, 4)
    for series in range(1, 3)
    for number in range(1, 4)
]


class Transfers(RuleBasedStateMachine):
    """Plans, runs, losses and restarts in any order, beside a plain model of what must hold."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.ledger = Ledger.open(self.folder.name)
        self.expected: set[InstanceReference] = set()
        self.good: dict[InstanceReference, OutcomeStatus] = {}
        self.out: dict[int, Parcel] = {}
        self.over: list[Parcel] = []
        self.numbers: dict[int, Parcel] = {}
        self.run = 0

    def teardown(self) -> None:
        self.ledger.close()
        self.folder.cleanup()

    @rule()
    def restart(self) -> None:
        """The process ends, however; parcels that were out come again under their numbers."""
        self.ledger.close()
        self.ledger = Ledger.open(self.folder.name)
        self.run += 1
        self.ledger.began(f"run {self.run}", "run", float(self.run))
        self.over += self.out.values()
        again = set(self.out)
        self.out = {}
        parcels = self.ledger.parcels(4, 0.0)
        while not again <= self.out.keys():
            self._hand_out(next(parcels))

    @rule(
        named=st.sets(st.sampled_from(EVERYTHING), min_size=1),
        whole=st.sampled_from(DICOMObjectLevels),
        more=st.integers(0, 2),
    )
    def plan(self, named: set[InstanceReference], whole: DICOMObjectLevels, more: int) -> None:
        place = f"row {len(list(self.ledger.items()))}"
        items = self.ledger.announce([(place, self.ledger.digest(place))])
        by_study: dict[str, list[InstanceReference]] = {}
        for reference in named:
            by_study.setdefault(reference.study_uid, []).append(reference)
        completeness = Completeness.UNKNOWN if more == 2 else Completeness.COMPLETE
        self.ledger.planned(
            items,
            [
                Claim(
                    study_uid=study,
                    references=tuple(members),
                    expectation=Expectation(len(members) + more % 2, "a listing", completeness),
                    whole=whole,
                )
                for study, members in by_study.items()
            ],
        )
        self.expected |= named

    @rule(limit=st.integers(1, 8))
    def hand_out(self, limit: int) -> None:
        for parcel in self.ledger.parcels(limit, 0.0):
            self._hand_out(parcel)
            break

    def _hand_out(self, parcel: Parcel) -> None:
        out = {reference for each in self.out.values() for reference in each.references}
        assert out.isdisjoint(parcel.references)
        assert set(parcel.references) <= self.expected
        assert 1 == len({reference.study_uid for reference in parcel.references})
        assert sorted(parcel.references) == list(parcel.references)
        assert parcel == self.numbers.setdefault(parcel.number, parcel)
        self.out[parcel.number] = parcel

    @precondition(lambda self: bool(self.out))
    @rule(data=st.data())
    def give_back(self, data: st.DataObject) -> None:
        number = data.draw(st.sampled_from(sorted(self.out)))
        self.over.append(self.out.pop(number))
        self.ledger.give_back(number)

    @precondition(lambda self: bool(self.out) or bool(self.over))
    @rule(data=st.data())
    def record(self, data: st.DataObject) -> None:
        """A report: of what is out, or late, or twice; with all outcomes, or some, or foreign."""
        parcels = [*self.out.values(), *self.over]
        parcel = data.draw(st.sampled_from(parcels))
        names = st.sampled_from([*parcel.references, *EVERYTHING[:2]])
        told = data.draw(st.lists(st.tuples(names, st.sampled_from(OutcomeStatus)), max_size=8))
        outcomes = [
            Outcome(reference=name, status=status, reason="told", size=3, path=f"{name}.dcm")
            for name, status in told
        ]
        self.ledger.record(Delivered(parcel=parcel.number, outcomes=tuple(outcomes)), RETRIES, 0.0)
        for name, status in told:
            if status in GOOD and name in self.expected:
                self.good.setdefault(name, status)
        if self.out.pop(parcel.number, None):
            self.over.append(parcel)

    @rule()
    def retry_failed(self) -> None:
        self.ledger.retry_failed()

    @rule(names=st.sets(st.sampled_from(EVERYTHING), min_size=1))
    def lose(self, names: set[InstanceReference]) -> None:
        assert len(names & self.good.keys()) == self.ledger.lost(names)
        for name in names:
            self.good.pop(name, None)

    @invariant()
    def each_instance_has_one_outcome(self) -> None:
        studies = list(self.ledger.studies("pending"))
        found = Counter(
            outcome.reference
            for study in studies
            for outcome in study.outcomes
            if outcome.status is not OutcomeStatus.UNEXPECTED and study.expectation.count
        )
        known = {name for name in found if name in self.expected}
        assert self.expected == known
        assert {1} >= {found[name] for name in known}
        good = {
            outcome.reference: outcome.status
            for study in studies
            for outcome in study.outcomes
            if outcome.good and outcome.reference in self.expected
        }
        assert self.good == good

    @invariant()
    def figures_are_those_of_the_lines(self) -> None:
        counts = self.ledger.counts
        assert len(self.expected) == counts.instances
        assert len(self.good) == counts.good
        assert counts.done == counts.good + counts.failed
        assert 3 * sum(s is not OutcomeStatus.WITHHELD for s in self.good.values()) == (
            counts.stored_bytes
        )
        out = sum(len(set(p.references) - self.good.keys()) for p in self.out.values())
        if self.ledger.next_due(0.0) is None:
            assert counts.pending <= out
        report, receipt = Report(Path(self.folder.name)), Report(Path(self.folder.name)).receipt()
        assert receipt.complete == report.complete
        assert receipt.counts == report.counts

    @precondition(lambda self: bool(self.expected))
    @rule()
    def finish(self) -> None:
        """All that is pending can be had, and then all of it is there."""
        for number in list(self.out):
            self.give_back_one(number)
        for parcel in self.ledger.parcels(5, 0.0):
            stored = [
                Outcome(reference=name, status=OutcomeStatus.STORED, size=3, path=f"{name}.dcm")
                for name in parcel.references
            ]
            self.ledger.record(
                Delivered(parcel=parcel.number, outcomes=tuple(stored)), RETRIES, 0.0
            )
            self.over.append(parcel)
            for name in parcel.references:
                self.good.setdefault(name, OutcomeStatus.STORED)
        assert 0 == self.ledger.counts.pending
        assert self.ledger.next_due(0.0) is None

    def give_back_one(self, number: int) -> None:
        self.over.append(self.out.pop(number))
        self.ledger.give_back(number)

    @rule()
    def write(self) -> None:
        """The files of a report are those of its receipt."""
        report = Report(Path(self.folder.name))
        path = Path(self.folder.name, f"{len(list(Path(self.folder.name).iterdir()))}.json")
        path.unlink(missing_ok=True)
        report.write_json(path)
        receipt = report.receipt()

        assert receipt.to_json().encode() == path.read_bytes()
        assert receipt == Receipt.from_json(path.read_text())


TestTransfers = Transfers.TestCase
TestTransfers.settings = settings(max_examples=40, stateful_step_count=25, deadline=None)
