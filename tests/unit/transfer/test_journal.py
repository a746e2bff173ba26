"""What a worker notes of a parcel outlives it, down to the last whole line."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gurney.core import InstanceReference, Outcome, OutcomeStatus, StorageError
from gurney.transfer.journal import Coming, FileJournal, MemoryJournal, journal_path

ONE = InstanceReference("1.2", "1.2.3", "1.2.3.1")
TWO = InstanceReference("1.2", "1.2.3", "1.2.3.2")
NEW = InstanceReference("2.25.1", "2.25.2", "2.25.3")
STORED = Outcome(
    reference=ONE,
    status=OutcomeStatus.STORED,
    path="1.2/1.2.3/1.2.3.1.dcm",
    size=1234,
    checksum="sha256:00",
    transfer_syntax="1.2.840.10008.1.2.1",
    protocol="WADO-RS",
    retries=2,
    notes=("an oddity",),
    stored_as=NEW,
)
WITHHELD = Outcome(reference=TWO, status=OutcomeStatus.WITHHELD, reason="the transform said so")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return journal_path(tmp_path, 7)


def test_nothing_is_noted_at_first(path: Path) -> None:
    """And nothing is written before there is something to say."""
    with FileJournal(path) as journal:
        assert journal.noted.before is None
    assert not path.exists()


def test_next_worker_knows_what_was_noted(path: Path) -> None:
    """What was there before, what was coming, and outcomes, in every field."""
    with FileJournal(path) as journal:
        journal.begin([TWO])
        journal.intend(ONE, Coming("WADO-RS", 2))
        journal.note(STORED)
        journal.note(WITHHELD)

    with FileJournal(path) as journal:
        noted = journal.noted
    assert frozenset([TWO]) == noted.before
    assert {ONE: Coming("WADO-RS", 2)} == noted.coming
    assert {ONE: STORED, TWO: WITHHELD} == noted.outcomes


def test_first_who_looked_is_believed(path: Path) -> None:
    """A second worker may see what the first has stored; it was not there before."""
    with FileJournal(path) as first, FileJournal(path) as second:
        first.begin([])
        second.begin([ONE])

        assert frozenset() == second.noted.before


def test_other_workers_intentions_are_told_from_own(path: Path) -> None:
    """Two workers on one parcel: each can see what the other was about to store."""
    with FileJournal(path) as first, FileJournal(path) as second:
        first.begin([])
        second.begin([])
        first.intend(ONE, Coming("C-GET"))

        assert Coming("C-GET") == second.was_coming(ONE)
        assert first.was_coming(ONE) is None


@given(st.integers(0, 400))
def test_cut_line_is_passed_over(tmp_path_factory: pytest.TempPathFactory, cut: int) -> None:
    """A writer may die anywhere: whole lines count, and what the next one writes is not lost."""
    path = tmp_path_factory.mktemp("journal") / "1.jsonl"
    with FileJournal(path) as journal:
        journal.begin([])
        journal.note(STORED)
    content = path.read_bytes()
    first = content.index(b"\n") + 1
    os.truncate(path, min(len(content), first + cut))

    with FileJournal(path) as journal:
        journal.note(WITHHELD)
    with FileJournal(path) as journal:
        expected = {ONE: STORED} if first + cut >= len(content) - 1 else {}
        assert expected | {TWO: WITHHELD} == journal.noted.outcomes


@pytest.mark.parametrize("line", [b"[]", b"\x00\xff", b'{"before": 3}', b'{"outcome": {}}', b"7"])
def test_strange_lines_are_passed_over(path: Path, line: bytes) -> None:
    """Whatever a broken disk has left there, a run goes on."""
    path.write_bytes(b'{"before":[]}\n' + line + b"\n")

    with FileJournal(path) as journal:
        assert frozenset() == journal.noted.before
        assert {} == journal.noted.outcomes


@pytest.mark.skipif(os.name != "posix", reason="modes are POSIX's")
def test_journals_are_for_their_owner(path: Path) -> None:
    """They name instances."""
    with FileJournal(path) as journal:
        journal.begin([])

    assert 0o600 == stat.S_IMODE(path.stat().st_mode)
    assert [path] == list(path.parent.iterdir())


def test_full_disk_is_said(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`StorageError`, which stops the run; nothing is taken for written."""

    def full(_descriptor: int, _content: bytes) -> int:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with FileJournal(path) as journal:
        journal.begin([])
        monkeypatch.setattr(os, "write", full)
        with pytest.raises(StorageError, match="No space left"):
            journal.note(STORED)
        monkeypatch.undo()


def test_memory_journal_forgets() -> None:
    """It keeps what was there before, for its own worker."""
    journal = MemoryJournal()
    journal.begin([ONE])
    journal.intend(TWO, Coming())
    journal.note(STORED)

    assert frozenset([ONE]) == journal.noted.before
    assert {} == journal.noted.outcomes
    assert journal.was_coming(TWO) is None
