"""What a ledger tells whoever asks, in whatever process."""

from __future__ import annotations

import hashlib
import sqlite3
from collections.abc import Generator, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from types import TracebackType

from typing_extensions import Self

from gurney.core import Completeness, Outcome, StudyReceipt

from . import journeys, reading, tallies
from .claims import announced, doubts, unplanned
from .failures import translated
from .locking import Holder, holder_of
from .schema import NAME, transaction
from .strays import Strays, strays
from .texts import Texts
from .values import Announced, Counts, Run, Sample, Setting

__all__ = ["Telling"]


class Telling:
    """What can be read in a ledger.

    Attributes
    ----------
    folder
        Where it is: ``ledger.db``, ``lock``, ``journal/``, ``report/``.
    """

    def __init__(self, folder: Path, connection: sqlite3.Connection) -> None:
        self.folder: Path = folder
        self._db: sqlite3.Connection = connection
        self._texts: Texts = Texts(connection)
        self._salt: bytes = b""

    def close(self) -> None:
        """Close it. Nothing is lost without."""
        with self._translated():
            self._db.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def settings(self) -> dict[str, Setting]:
        """What has been agreed on."""
        with self._translated():
            return journeys.settings(self._db)

    def runs(self) -> tuple[Run, ...]:
        """Return who has worked on it, in order."""
        with self._translated():
            return journeys.runs(self._db)

    @property
    def holder(self) -> Holder | None:
        """Who is at work on the transfer; `None` if nobody is."""
        return holder_of(self.folder)

    def digest(self, text: str) -> bytes:
        """Return 16 bytes that stand for *text*; nobody can guess it without this ledger."""
        if not self._salt:
            with self._translated():
                (self._salt,) = self._db.execute("SELECT salt FROM secret").fetchone()
        content = text.encode("utf-8", "surrogatepass")
        return hashlib.blake2b(content, key=self._salt, digest_size=16).digest()

    def unplanned(self, *, failed: bool = False) -> list[int]:
        """Return the numbers of items not yet planned.

        If asked to, after them those that *failed*, and those of which not all may be known.
        """
        with self._translated():
            return unplanned(self._db, failed)

    def items(self, *, state: str = "") -> Iterator[Announced]:
        """Yield what is wanted, in order; those of one *state* if it is given.

        That is ``"unplanned"``, ``"planned"``, ``"failed"``; or ``"doubtful"``: planned, but not
        everything may have been found; ``"noted"``: with notes.
        """
        with self._translated():
            yield from announced(self._db, state)

    def doubts(self) -> tuple[tuple[Completeness, str, int], ...]:
        """Return why it is not known that everything was found, and how often; commonest first."""
        with self._translated():
            return doubts(self._db)

    def stored(self, *, before: str = "") -> Iterator[Outcome]:
        """Yield what is stored, in order of planning; of runs that began *before* that run only.

        `record` and `lost` may be called in between.
        """
        with self._translated():
            number = journeys.number(self._db, before) if before else None
            yield from reading.stored(self._db, self._texts, number)

    @property
    def counts(self) -> Counts:
        """How far the transfer is; costs nothing."""
        with self._translated():
            return tallies.counts(self._db)

    def samples(self, since: float = 0.0) -> tuple[Sample, ...]:
        """Return the samples kept since a time, in order."""
        with self._translated():
            return journeys.samples(self._db, since)

    @property
    def modalities(self) -> dict[str, int]:
        """Expected instances by the Modality of their series, ``""`` where that is not known.

        Empty if no listing said any.
        """
        with self._translated():
            return reading.modalities(self._db)

    def failures(self, most: int) -> tuple[tuple[str, int], ...]:
        """Return why instances have no good outcome, and how many; the commonest first."""
        with self._translated():
            return reading.failures(self._db, self._texts, most)

    def incomplete(self, most: int) -> tuple[tuple[str, int], ...]:
        """Return studies that are finished and miss something, and how many instances."""
        with self._translated():
            return reading.incomplete(self._db, most)

    def studies(self, pending: str, *, incomplete: bool = False) -> Iterator[StudyReceipt]:
        """Yield the receipt of each study; *pending* says why something has not been fetched."""
        with self._translated():
            yield from reading.receipts(self._db, self._texts, pending, incomplete=incomplete)

    @property
    def complete(self) -> bool:
        """Whether each study is complete."""
        with self._translated():
            return reading.is_complete(self._db)

    @property
    def strays(self) -> Strays:
        """How many came unasked."""
        with self._translated():
            return strays(self._db)

    @property
    def unresolved(self) -> int:
        """How many studies and series there are of which not even the instances are known."""
        with self._translated():
            return reading.count_unresolved(self._db)

    @contextmanager
    def snapshot(self) -> Generator[None]:
        """What is read fits together, whatever is written meanwhile."""
        with self._translated(), transaction(self._db, "DEFERRED"):
            yield

    def _translated(self) -> AbstractContextManager[None]:
        return translated(self.folder / NAME)
