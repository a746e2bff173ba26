"""What goes wrong with a ledger is said, and costs nothing that was stored."""

from __future__ import annotations

import os
import random
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.unit.transfer.ledgers import (
    AT_ONCE,
    ONCE,
    claim,
    delivered,
    fetch_all,
    planned,
    references,
)

from gurney.core import GurneyError, InvalidInputError, OutcomeStatus, StorageError
from gurney.transfer.ledger import DamagedLedgerError, Ledger, LedgerBusyError

ROOT = Path(__file__).parents[3]
POSIX = pytest.mark.skipif(sys.platform == "win32", reason="Windows kills in another way")


# ---------------------------------------------------------------- one at a time


def test_second_is_told_who_is_at_work(tmp_path: Path) -> None:
    """Two runs on one ledger would fetch everything twice."""
    with (
        Ledger.open(tmp_path) as one,
        Ledger.open(tmp_path) as two,
        one.locked("run"),
        pytest.raises(LedgerBusyError, match=rf"process {os.getpid()} on .* running it") as caught,
        two.locked("run"),
    ):
        raise AssertionError

    assert isinstance(caught.value, GurneyError)


def test_lock_is_free_again_after_an_error(tmp_path: Path) -> None:
    """However a run ends, the next can begin."""
    with Ledger.open(tmp_path) as ledger:
        with pytest.raises(KeyError), ledger.locked("plan"):
            raise KeyError(ledger.holder)

        assert ledger.holder is None
        with ledger.locked("run"):
            pass


_HOLDING = """
import sys
from gurney.transfer.ledger import Ledger
from tests.unit.transfer.ledgers import *
with Ledger.open(sys.argv[1]) as ledger, ledger.locked("plan"):
    planned(ledger, claim("1"))
    print("ready", flush=True)
    sys.stdin.read()
"""


@contextmanager
def another_process(code: str, folder: Path) -> Generator[subprocess.Popen[str]]:
    """Run *code* up to its first line of output; it is killed at the end."""
    with subprocess.Popen(
        [sys.executable, "-c", code, str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    ) as process:
        assert process.stdout is not None
        assert "ready\n" == process.stdout.readline()
        try:
            yield process
        finally:
            process.kill()


def test_lock_of_another_process_goes_with_it(tmp_path: Path) -> None:
    """After kill -9 nobody has to remove anything; until then it is said who is at work."""
    with another_process(_HOLDING, tmp_path) as process, Ledger.open(tmp_path) as ledger:
        holder = ledger.holder
        with pytest.raises(LedgerBusyError, match=f"process {process.pid} "), ledger.locked():
            raise AssertionError
        process.kill()
        process.wait()
        with ledger.locked("run"):
            counts = ledger.counts

    assert holder is not None
    assert ("plan", process.pid) == (holder.doing, holder.pid)
    assert 3 == counts.pending


_FORKING = """
import os, sys, time
from gurney.transfer.ledger import Ledger
with Ledger.open(sys.argv[1]) as ledger, ledger.locked():
    if os.fork() == 0:
        sys.stdin.read()
        os._exit(0)
    print("ready", flush=True)
    os.kill(os.getpid(), 9)
"""


@POSIX
def test_forked_worker_does_not_keep_the_lock(tmp_path: Path) -> None:
    """Workers of a pool may outlive the run that was killed."""
    with another_process(_FORKING, tmp_path) as process:
        process.wait()
        with Ledger.open(tmp_path) as ledger, ledger.locked():
            holder = ledger.holder

    assert holder is not None
    assert os.getpid() == holder.pid


# ---------------------------------------------------------------- while somebody writes

_WRITING = """
import sys
from gurney.transfer.ledger import Ledger
from tests.unit.transfer.ledgers import *
with Ledger.open(sys.argv[1]) as ledger, ledger.locked():
    ledger.began("a", "run", 1.0)
    planned(ledger, *(claim(str(n), references(str(n), 2, 5)) for n in range(1, 60)))
    print("ready", flush=True)
    for parcel in ledger.parcels(5, 0.0):
        ledger.record(delivered(parcel), ONCE, 0.0)
    print("done", flush=True)
    sys.stdin.read()
"""


def test_it_is_read_while_another_process_writes(tmp_path: Path) -> None:
    """What is seen fits together at any moment, and nobody is held up."""
    seen = list[int]()
    with another_process(_WRITING, tmp_path) as process, Ledger.reading(tmp_path) as ledger:
        while not seen or seen[-1] < 590:
            with ledger.snapshot():
                counts = ledger.counts
                stored = sum(study.received for study in ledger.studies("not fetched yet"))
            assert stored == counts.good == counts.instances - counts.pending
            seen.append(stored)
        assert process.stdout is not None
        assert "done\n" == process.stdout.readline()

    assert sorted(seen) == seen


def test_reading_writes_nothing(tmp_path: Path) -> None:
    """Whoever looks cannot harm it."""
    with Ledger.open(tmp_path) as ledger:
        planned(ledger, claim("1"))
    with Ledger.reading(tmp_path) as ledger, pytest.raises(StorageError, match="readonly"):
        ledger.retry_failed()


@POSIX
@pytest.mark.skipif(getattr(os, "geteuid", int)() == 0, reason="root may write anywhere")
def test_it_is_read_where_nothing_can_be_written(tmp_path: Path) -> None:
    """A ledger that was archived with its study."""
    with Ledger.open(tmp_path) as ledger:
        planned(ledger, claim("1"))
    tmp_path.chmod(0o500)
    try:
        with Ledger.reading(tmp_path) as ledger:
            assert 3 == ledger.counts.pending
    finally:
        tmp_path.chmod(0o700)


# ---------------------------------------------------------------- killed

_KILLED = """
import os, sys
from threading import Timer
from gurney.transfer.ledger import Ledger
from tests.unit.transfer.ledgers import *
with Ledger.open(sys.argv[1]) as ledger, ledger.locked():
    ledger.began(sys.argv[2], "run", 1.0)
    if not ledger.counts.studies:
        planned(ledger, *(claim(str(n), references(str(n), 2, 10)) for n in range(1, 100)))
    print("ready", flush=True)
    for parcel in ledger.parcels(7, 0.0):
        ledger.record(delivered(parcel), ONCE, 0.0)
        print("recorded", parcel.number, flush=True)
    print("done", flush=True)
    sys.stdin.read()
"""


@POSIX
def test_what_was_recorded_survives_kill(tmp_path: Path) -> None:
    """Again and again, at any moment: figures and lines agree, and it goes on where it was."""
    moments = random.Random(5)
    for attempt in range(4):
        code = _KILLED.replace("sys.argv[2]", repr(f"run {attempt}"))
        with another_process(code, tmp_path) as process:
            assert process.stdout is not None
            numbers = [
                int(line.split()[1])
                for line in (process.stdout.readline() for _ in range(moments.randrange(20, 60)))
                if line.startswith("recorded")
            ]
        with Ledger.reading(tmp_path) as ledger, ledger.snapshot():
            counts = ledger.counts
            stored = sum(study.received for study in ledger.studies("not fetched yet"))
        assert stored == counts.good == 1980 - counts.pending
        assert len(numbers) == len(set(numbers))
    with Ledger.open(tmp_path) as ledger, ledger.locked():
        fetch_all(ledger)

        assert (1980, 0) == (ledger.counts.good, ledger.counts.pending)
        assert ledger.complete


# ---------------------------------------------------------------- damaged, or not ours


@pytest.mark.parametrize("how", [Ledger.open, Ledger.reading])
@pytest.mark.parametrize(
    ("content", "error"),
    [
        (b"this is no database at all, it is a text" * 100, DamagedLedgerError),
        (b"SQLite format 3\0" + bytes(range(256)) * 40, DamagedLedgerError),
    ],
)
def test_what_is_no_database_is_said_to_be_none(
    tmp_path: Path, how: Callable[[Path], Ledger], content: bytes, error: type[GurneyError]
) -> None:
    """The message says what to do; nothing is overwritten."""
    path = tmp_path / "ledger.db"
    path.write_bytes(content)

    with pytest.raises(error, match="move its folder away, then plan and run again"):
        how(tmp_path)
    assert content == path.read_bytes()


def test_database_of_others_is_left_alone(tmp_path: Path) -> None:
    """It only happens to have the name."""
    with sqlite3.connect(tmp_path / "ledger.db") as other:
        other.execute("CREATE TABLE accounts (balance)")
    other.close()

    with pytest.raises(InvalidInputError, match="no ledger of gurney's"):
        Ledger.open(tmp_path)


def test_ledger_of_a_later_version_is_left_alone(tmp_path: Path) -> None:
    """Who knows what it means."""
    Ledger.open(tmp_path).close()
    with sqlite3.connect(tmp_path / "ledger.db") as other:
        other.execute("PRAGMA user_version = 99")
    other.close()

    with pytest.raises(InvalidInputError, match="later version"):
        Ledger.open(tmp_path)


def test_empty_file_is_no_ledger_to_read(tmp_path: Path) -> None:
    """A process was killed before it made its tables: the next makes them."""
    (tmp_path / "ledger.db").touch()

    with pytest.raises(InvalidInputError, match="is empty"):
        Ledger.reading(tmp_path)
    with Ledger.open(tmp_path) as ledger:
        assert 0 == ledger.counts.items


def test_damage_is_told_or_does_not_matter(tmp_path: Path) -> None:
    """A page overwritten with rubbish never gives another error than ours."""
    with Ledger.open(tmp_path) as ledger:
        planned(ledger, *(claim(str(n), references(str(n), 3, 10)) for n in range(1, 30)))
        fetch_all(ledger)
    path = tmp_path / "ledger.db"
    whole = path.read_bytes()
    told = 0
    for page in range(1, len(whole) // 4096):
        rubbish = random.Random(page).randbytes(4096)
        path.write_bytes(whole[: page * 4096] + rubbish + whole[(page + 1) * 4096 :])
        try:
            with Ledger.open(tmp_path) as ledger:
                _use(ledger)
        except DamagedLedgerError:
            told += 1

    assert told > 10


def _use(ledger: Ledger) -> None:
    """Everything once."""
    list(ledger.studies("not fetched yet"))
    list(ledger.stored())
    ledger.retry_failed()
    ledger.lost(references("7"))
    fetch_all(ledger)


# ---------------------------------------------------------------- a full disk


def _fill(ledger: Ledger) -> None:
    """Let the database grow no more, as a full disk would."""
    connection = ledger._db  # pyright: ignore[reportPrivateUsage]
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    connection.execute(f"PRAGMA max_page_count = {pages}")


def test_plan_that_does_not_fit_is_undone(tmp_path: Path) -> None:
    """It says so, and planning goes on where it was when there is room."""
    many = claim("2", references("2", 9, 200))
    with Ledger.open(tmp_path) as ledger:
        planned(ledger, claim("1"))
        items = ledger.announce([("row 2", ledger.digest("2"))])
        _fill(ledger)
        with pytest.raises(StorageError, match="make room on its disk"):
            ledger.planned(items, [many])
        assert (3, 1, items) == (
            ledger.counts.instances,
            ledger.counts.studies,
            ledger.unplanned(),
        )
    with Ledger.open(tmp_path) as ledger:
        ledger.planned(items, [many])
        fetch_all(ledger)

        assert 1803 == ledger.counts.good
        assert ledger.complete


def test_parcel_that_cannot_be_recorded_is_still_out(tmp_path: Path) -> None:
    """It comes again under its number when there is room: the journal knows what was stored."""
    with Ledger.open(tmp_path) as ledger:
        planned(ledger, claim("1", references("1", 9, 200)))
        (parcel,) = ledger.parcels(1800, 0.0)
        _fill(ledger)
        with pytest.raises(StorageError, match="disk is full"):
            ledger.record(delivered(parcel), AT_ONCE, 0.0)
        assert (1800, 0) == (ledger.counts.pending, ledger.counts.good)
        assert ledger.next_due(0.0) is None
    with Ledger.open(tmp_path) as ledger:
        (again,) = ledger.parcels(5, 0.0)
        ledger.record(delivered(again), ONCE, 0.0)

        assert parcel == again
        assert {OutcomeStatus.STORED: 1800} == {
            status: count for status, count in ledger.counts.by_status.items() if count
        }


def test_texts_of_a_transaction_that_failed_are_written_again(tmp_path: Path) -> None:
    """What was remembered of it is forgotten."""
    with Ledger.open(tmp_path) as ledger:
        planned(ledger, claim("1", references("1", 9, 200)), claim("2"))
        large, small = ledger.parcels(1800, 0.0)
        _fill(ledger)
        with pytest.raises(StorageError):
            ledger.record(delivered(large), AT_ONCE, 0.0)
        connection = ledger._db  # pyright: ignore[reportPrivateUsage]
        connection.execute("PRAGMA max_page_count = 1000000")
        ledger.record(delivered(small), ONCE, 0.0)
        ledger.record(delivered(large), ONCE, 0.0)

        assert ["1.2.840.10008.1.2.1"] * 2 == [
            syntax
            for study in ledger.studies("not fetched yet")
            for syntax in study.transfer_syntaxes
        ]


@POSIX
@pytest.mark.skipif(getattr(os, "geteuid", int)() == 0, reason="root may write anywhere")
def test_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    """What is wrong is the permission, not the ledger."""
    tmp_path.chmod(0o500)
    try:
        with pytest.raises(StorageError, match="check who may write there"):
            Ledger.open(tmp_path / "ledger")
    finally:
        tmp_path.chmod(0o700)
