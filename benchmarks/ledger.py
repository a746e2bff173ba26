"""What a ledger costs: planning, cutting parcels, recording, and writing the receipt.

Usage: ``python benchmarks/ledger.py [INSTANCES] [FOLDER]``; a ledger of INSTANCES (100000) in
studies of 100 is made in FOLDER. There is no peer: the floor is ``executemany`` of plain rows into
a table of the same database.
"""

from __future__ import annotations

import hashlib
import sqlite3
import sys
import tempfile
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path

from gurney.core import (
    DICOMObjectLevels,
    Expectation,
    InstanceReference,
    Outcome,
    OutcomeStatus,
    chunked,
)
from gurney.manners import Retries
from gurney.transfer.ledger import Claim, Ledger
from gurney.transfer.parcels import Delivered, Parcel
from gurney.transfer.reporting import Report

PER_STUDY = 100
SERIES = 4
TOGETHER = 50  # studies planned in one transaction
ROOT = "1.2.826.0.1.3680043.8.498.4294967295123456789012345"  # names of 64 characters, as real ones


def main() -> None:
    """Print microseconds per instance, and bytes."""
    instances = int(sys.argv[1]) if len(sys.argv) > 1 else 100_000
    where = sys.argv[2] if len(sys.argv) > 2 else tempfile.gettempdir()
    with tempfile.TemporaryDirectory(dir=where) as folder:
        figures = measure(instances, Path(folder))
    print(f"{instances} instances in studies of {PER_STUDY}")
    for name, figure in figures.items():
        print(f"{name:<28}{figure:10.1f}")


def measure(instances: int, folder: Path) -> dict[str, float]:
    """Return microseconds, and bytes on disk, per instance; by what they are spent on."""
    spent: dict[str, float] = {}
    with Ledger.open(folder) as ledger, ledger.locked():
        ledger.began("bench", "run", 0.0)
        studies = range(instances // PER_STUDY)
        items = ledger.announce((f"row {n}", ledger.digest(str(n))) for n in studies)
        for chunk in chunked(studies, TOGETHER):
            claims = [claim(study) for study in chunk]
            chosen = [items[study] for study in chunk]
            with _timed(spent, "planned"):
                ledger.planned(chosen, claims)
        parcels = ledger.parcels(500, 0.0)
        while True:
            with _timed(spent, "parcels"):
                parcel = next(parcels, None)
            if parcel is None:
                break
            told = delivered(parcel)
            with _timed(spent, "record"):
                ledger.record(told, Retries(), 0.0)
    with _timed(spent, "receipt as JSON"):
        Report(folder).write_json(folder / "receipt.json")
    with _timed(spent, "floor: plain rows"):
        _plain_rows(folder / "plain.db", instances)
    figures = {f"{name}, us": 1e6 * seconds / instances for name, seconds in spent.items()}
    return {**figures, "on disk, bytes": (folder / "ledger.db").stat().st_size / instances}


def claim(study: int) -> Claim:
    """Return what a listing says of a study."""
    uid = f"{ROOT}.{study:06d}"
    names = tuple(
        InstanceReference(uid, f"{uid}.{number % SERIES}", f"{uid}.{number % SERIES}.{number}")
        for number in range(PER_STUDY)
    )
    expected = Expectation(PER_STUDY, "instance listing")
    return Claim(
        study_uid=uid, references=names, expectation=expected, whole=DICOMObjectLevels.STUDY
    )


def delivered(parcel: Parcel) -> Delivered:
    """Return the report of a worker to whom everything came."""
    return Delivered(parcel=parcel.number, outcomes=tuple(_stored(parcel)), received=1)


def _stored(parcel: Parcel) -> Iterator[Outcome]:
    for number, reference in enumerate(parcel.references):
        yield Outcome(
            reference=reference,
            status=OutcomeStatus.STORED,
            path=f"{reference}.dcm",
            size=524_288 + number,
            checksum=f"sha256:{hashlib.sha256(reference.instance_uid.encode()).hexdigest()}",
            transfer_syntax="1.2.840.10008.1.2.1",
            protocol="WADO-RS",
        )


def _plain_rows(path: Path, instances: int) -> None:
    rows = ((f"{ROOT}.{number:09d}", number, bytes(32)) for number in range(instances))
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("CREATE TABLE plain (uid TEXT UNIQUE, size INTEGER, checksum BLOB)")
        connection.executemany("INSERT INTO plain VALUES (?, ?, ?)", rows)
    connection.close()


@contextmanager
def _timed(spent: dict[str, float], name: str) -> Generator[None]:
    began = time.perf_counter()
    yield
    spent[name] = spent.get(name, 0.0) + time.perf_counter() - began


if __name__ == "__main__":
    main()
