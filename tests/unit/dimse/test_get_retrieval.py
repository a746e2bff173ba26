"""What is answered to each instance that comes, and what an archive's own count proves."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import repeat

import attrs
import pytest
from tests.unit.reading import outcome

from gurney.core import (
    DICOMFile,
    DICOMObjectReference,
    InstanceReference,
    StudyReference,
)
from gurney.dimse import Retries
from gurney.dimse.retrieving import Arrival, Final, Listed, Retrieval, Service
from gurney.retrieving import UIDs, Wanted, plan

STUDY = StudyReference("1.2")
ONE = InstanceReference("1.2", "1.2.3", "1.2.3.1")
TWO = InstanceReference("1.2", "1.2.3", "1.2.3.2")
FOREIGN = InstanceReference("1.9", "1.9.3", "1.9.3.1")
ONCE = Retries(attempts=1)


@attrs.define
class Talk:
    """A conversation in which *uids* come, and what is answered to each is written down."""

    uids: Iterable[UIDs]
    final: Final | None
    held: bool = True
    answers: list[int] = attrs.field(factory=list[int])

    def arrivals(self) -> Iterator[Arrival]:
        for uids in self.uids:
            chunks = iter([b"a", b"b", b"c"])
            size = 3 if self.held else None
            fault = "" if all(uids) else "it does not say"
            yield Arrival(uids, fault, chunks, size, self.held, self.answers.append, lambda: None)


def retrieval(
    talk: Talk, objects: Sequence[DICOMObjectReference], listed: Listed | None = None
) -> Iterator[DICOMFile]:
    """Return what comes of *talk*, whatever is asked for."""

    @contextmanager
    def ask(wanted: Wanted) -> Generator[Talk]:
        del wanted
        yield talk

    doubtful = Listed(doubt="nobody lists it")
    service = Service("C-GET", ask, lambda _: listed or doubtful, ONCE)
    return Retrieval(service, plan(objects)).files()


def test_each_instance_has_its_answer() -> None:
    """Taken, come a second time, of another study, none at all (PS3.7 C, PS3.4 B.2.3)."""
    talk = Talk([ONE.uids, ONE.uids, FOREIGN.uids, ("", "", "")], Final(0, 0, 1, 0, 0))
    came, _ = outcome(retrieval(talk, [ONE]))

    assert [ONE] == came
    assert [0x0000, 0x0111, 0x0124, 0xC000] == talk.answers


@pytest.mark.parametrize("uids", [ONE.uids, FOREIGN.uids, ("", "", "")])
def test_there_is_an_end_to_what_is_not_wanted(uids: UIDs, monkeypatch: pytest.MonkeyPatch) -> None:
    """An archive that sends it again and again is left; what was wanted has failed, loudly."""
    monkeypatch.setattr("gurney.dimse.retrieving.retrieval._MOST_REFUSED", 100)
    came, reasons = outcome(retrieval(Talk(repeat(uids), None), [ONE, TWO]))

    assert ([ONE] if uids == ONE.uids else []) == came
    assert "more than 100 instances came that were not wanted" in reasons[-1]


def test_small_instance_is_answered_before_it_is_passed_on() -> None:
    """All of it is here: the archive goes on while it is stored."""
    talk = Talk([ONE.uids], Final(0))
    next(retrieval(talk, [ONE]))

    assert [0x0000] == talk.answers


@pytest.mark.parametrize("chunks", [0, 1, 3])
def test_large_instance_is_answered_when_the_next_is_asked_for(chunks: int) -> None:
    """However much of it was read: that is for who stores it to judge."""
    talk = Talk([ONE.uids], Final(0), held=False)
    files = retrieval(talk, [ONE])
    file = next(files)
    for _ in range(chunks):
        next(file.chunks)
    before = list(talk.answers)
    rest = list(files)

    assert ([], [], [0x0000]) == (before, rest, talk.answers)


def test_large_instance_that_is_given_up_is_refused() -> None:
    """The disk may be full: the archive is told that it was not kept."""
    talk = Talk([ONE.uids], Final(0), held=False)
    files = retrieval(talk, [ONE])
    next(files)
    files.close()  # type: ignore[attr-defined]  # it is a generator

    assert [0xA700] == talk.answers


@pytest.mark.parametrize(
    ("final", "proved"),
    [
        (Final(0x0000, 0, 2, 0, 0), True),
        (Final(0x0000, None, 2, None, None), True),
        (Final(0x0000), False),
        (Final(0x0000, 0, 3, 0, 0), False),
        (Final(0x0000, 0, 1, 0, 0), False),
        (Final(0x0000, 0, 2, 1, 0), False),
        (Final(0xB000, 0, 2, 0, 0), False),
        (None, False),
    ],
)
def test_count_that_proves_a_study(final: Final | None, proved: bool) -> None:
    """Only a success whose count is what came, if nobody can list what is there."""
    came, failed = outcome(retrieval(Talk([ONE.uids, TWO.uids], final), [STUDY]))

    assert [ONE, TWO] == came
    assert (0 if proved else 1) == len(failed)


@pytest.mark.parametrize("count", [1, 2])
def test_one_that_comes_twice_is_one(count: int, caplog: pytest.LogCaptureFixture) -> None:
    """It proves a study of one, not one of two; that it came twice is told."""
    talk = Talk([ONE.uids, ONE.uids], Final(0x0000, 0, count, 0, 0))
    came, failed = outcome(retrieval(talk, [STUDY]))

    assert ([ONE], count - 1) == (came, len(failed))
    assert [0x0000, 0x0111] == talk.answers
    assert "came twice in one answer" in caplog.text


def test_nothing_proves_nothing() -> None:
    """A success of nothing, of a study that nobody can list."""
    _, failed = outcome(retrieval(Talk([], Final(0x0000, 0, 0, 0, 0)), [STUDY]))

    assert 1 == len(failed)


def test_listing_is_what_has_to_come() -> None:
    """Whatever the archive's count says."""
    talk = Talk([ONE.uids], Final(0x0000, 0, 1, 0, 0))
    came, failed = outcome(retrieval(talk, [STUDY], Listed((ONE, TWO))))

    assert [ONE] == came
    assert 1 == len(failed)


def test_more_than_is_listed_is_welcome() -> None:
    """All of the study is wanted; the listing may be older."""
    talk = Talk([ONE.uids, TWO.uids], Final(0x0000, 0, 2, 0, 0))

    assert ([ONE, TWO], []) == outcome(retrieval(talk, [STUDY], Listed((ONE,))))
