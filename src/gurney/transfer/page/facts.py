"""What the page of a transfer says: plain values, gathered before anything is drawn."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import attrs

from gurney.core import OutcomeStatus

from ..ledger import Sample

__all__ = ["Counted", "Facts", "Row", "Verdict"]


@attrs.frozen
class Verdict:
    """The answer in words, and how good it is: ``"good"``, ``"doubt"``, ``"bad"``."""

    text: str
    tone: str


@attrs.frozen
class Counted:
    """A text, and of how many instances or studies it is said.

    Attributes
    ----------
    text
        What is said.
    count
        Of how many.
    """

    text: str
    count: int


@attrs.frozen
class Row:
    """An incomplete study in the table of the page.

    Attributes
    ----------
    study_uid
        Study Instance UID (0020,000D).
    expected
        Instances; `None` if nobody can say.
    received
        Those that are whole in their place.
    reasons
        Why it is not complete.
    page
        Where its own page is, relative to the first one.
    """

    study_uid: str
    expected: int | None
    received: int
    reasons: tuple[str, ...]
    page: str


@attrs.frozen(kw_only=True)
class Facts:
    """Everything that the page of a transfer says.

    Attributes
    ----------
    verdict
        The answer.
    archives, target
        From where and to where; no credentials.
    studies, complete_studies
        In all, and those that are complete.
    expected
        Instances; `None` if nobody can say.
    received
        Those that are whole in their place, or came and were withheld.
    verified_bytes
        Bytes of those.
    counts
        Instances by what became of them.
    retries
        How often instances were asked for again.
    started, finished
        When, with time zone; `None` if not known.
    seconds
        How long the transfer was at work, without the time between runs.
    reasons
        Why the whole is not known to be complete, beyond what is said of studies.
    problems
        Why instances are not here, and of how many that is said; most frequent first.
    rows
        Incomplete studies, in the order of planning; the first of them, if there are many.
    sizes
        Number of instances by size: key ``n`` counts those of ``10**(n/4)`` to ``10**((n+1)/4)``
        bytes.
    modalities, transfer_syntaxes, protocols
        Instances by kind, most first; empty where nobody knows.
    arrived
        Bytes that came over the wire, of whole instances or not.
    samples
        How the transfer stood, in order of time.
    settings
        Names and values of what the transfer was told, for people.
    """

    verdict: Verdict
    archives: tuple[str, ...] = ()
    target: str = ""
    studies: int = 0
    complete_studies: int = 0
    expected: int | None = None
    received: int = 0
    verified_bytes: int = 0
    counts: Mapping[OutcomeStatus, int] = attrs.field(factory=dict[OutcomeStatus, int])
    retries: int = 0
    started: datetime | None = None
    finished: datetime | None = None
    seconds: float = 0.0
    reasons: tuple[str, ...] = ()
    problems: tuple[Counted, ...] = ()
    rows: tuple[Row, ...] = ()
    sizes: Mapping[int, int] = attrs.field(factory=dict[int, int])
    modalities: tuple[Counted, ...] = ()
    transfer_syntaxes: tuple[Counted, ...] = ()
    protocols: tuple[Counted, ...] = ()
    arrived: int = 0
    samples: tuple[Sample, ...] = ()
    settings: tuple[tuple[str, str], ...] = ()

    @property
    def incomplete_studies(self) -> int:
        """How many studies are not complete."""
        return self.studies - self.complete_studies
