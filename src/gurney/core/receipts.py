"""What a download says about itself: one outcome per expected instance, and a receipt of all."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from enum import Enum
from typing import Any, Final

import attrs
from attrs.validators import ge, instance_of, optional

from .errors import InvalidInputError
from .references import DICOMObjectReference, InstanceReference, parse_reference
from .results import Completeness

__all__ = [
    "Expectation",
    "Outcome",
    "OutcomeStatus",
    "Receipt",
    "StudyReceipt",
    "receipt_csv",
    "receipt_json",
]


class OutcomeStatus(str, Enum):
    """What became of an instance."""

    STORED = "stored"
    ALREADY_THERE = "already there"
    FAILED = "failed"
    MISSING = "missing"
    REFUSED = "refused"
    WITHHELD = "withheld"
    UNEXPECTED = "unexpected"


_IN_PLACE: Final = frozenset({OutcomeStatus.STORED, OutcomeStatus.ALREADY_THERE})
_GOOD: Final = _IN_PLACE | {OutcomeStatus.WITHHELD}


@attrs.frozen(kw_only=True)
class Outcome:
    """What became of one instance.

    Attributes
    ----------
    reference
        The instance; a study or series, if its instances could not be listed; `None` for bytes
        from which no name can be had.
    status
        ``STORED``: came, was verified and is in its final place. ``ALREADY_THERE``: was there,
        whole, before. ``FAILED``: came damaged, or could not be had, or not be written.
        ``MISSING``: was expected and did not come. ``REFUSED``: came, and was not taken, because
        it contradicts what is there. ``WITHHELD``: came whole, and was not kept, because a
        transform of the caller's wanted it so. ``UNEXPECTED``: came unasked, and was not taken.
    reason
        Why; empty only for ``STORED`` and ``ALREADY_THERE``. Names no patient.
    path
        Where it is, relative to the root of the storage, with ``/``; empty if it is not there.
    size
        Verified bytes.
    checksum
        ``algorithm:hex digits`` of the bytes as stored, empty if none was made.
    transfer_syntax
        Transfer Syntax UID of the bytes as they arrived.
    protocol
        How it came: ``"file"``, ``"WADO-RS"``, ``"C-GET"``, ...
    retries
        How often it was asked for again.
    notes
        Oddities of the bytes that do not make them less whole.
    stored_as
        The instance as it is named where it is, if a transform gave it other UIDs.
    """

    reference: DICOMObjectReference | None
    status: OutcomeStatus
    reason: str = attrs.field(default="", validator=instance_of(str))
    path: str = attrs.field(default="", validator=instance_of(str))
    size: int = attrs.field(default=0, validator=[instance_of(int), ge(0)])
    checksum: str = attrs.field(default="", validator=instance_of(str))
    transfer_syntax: str = attrs.field(default="", validator=instance_of(str))
    protocol: str = attrs.field(default="", validator=instance_of(str))
    retries: int = attrs.field(default=0, validator=[instance_of(int), ge(0)])
    notes: tuple[str, ...] = ()
    stored_as: InstanceReference | None = attrs.field(
        default=None, validator=optional(instance_of(InstanceReference))
    )

    def __attrs_post_init__(self) -> None:
        if not self.in_place and not self.reason:
            raise InvalidInputError(f"an outcome '{self.status.value}' needs a reason")

    @property
    def good(self) -> bool:
        """Whether nothing is left to be done: it is whole in its place, or was to be withheld."""
        return self.status in _GOOD

    @property
    def in_place(self) -> bool:
        """Whether it is whole in its place."""
        return self.status in _IN_PLACE


@attrs.frozen
class Expectation:
    """How many instances a study should give, and where that number comes from.

    Attributes
    ----------
    count
        Instances; `None` if nobody can say.
    source
        In words: ``"instances named by the caller"``, ``"instance listing"``, ...
    completeness
        Whether *count* is known to be all.
    reasons
        Why it is not known to be all; empty if it is.
    """

    count: int | None = attrs.field(validator=optional([instance_of(int), ge(0)]))
    source: str = attrs.field(validator=instance_of(str))
    completeness: Completeness = Completeness.COMPLETE
    reasons: tuple[str, ...] = ()


def _outcomes(items: Iterable[Outcome]) -> tuple[Outcome, ...]:
    return tuple(items)


@attrs.frozen
class StudyReceipt:
    """What was expected of one study, and one outcome for each instance of it.

    Attributes
    ----------
    study_uid
        Study Instance UID (0020,000D).
    expectation
        How many instances there should be, and who says so.
    outcomes
        In tree order; ``UNEXPECTED`` ones last.
    """

    study_uid: str = attrs.field(validator=instance_of(str))
    expectation: Expectation
    outcomes: tuple[Outcome, ...] = attrs.field(converter=_outcomes)

    @property
    def complete(self) -> bool:
        """Whether every instance that the study is known to have is whole in its place."""
        return not self.reasons

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why the study is not complete; empty if it is."""
        return (*self.expectation.reasons, *self._shortfall())

    @property
    def received(self) -> int:
        """How many expected instances are whole in their place, or came and were withheld."""
        return len({outcome.reference for outcome in self.outcomes if outcome.good})

    @property
    def verified_bytes(self) -> int:
        """Bytes of the instances that are whole in their place."""
        return sum(outcome.size for outcome in self.outcomes if outcome.in_place)

    @property
    def missing(self) -> tuple[DICOMObjectReference, ...]:
        """What was expected and is not whole in its place, in tree order."""
        return tuple(
            outcome.reference
            for outcome in self.outcomes
            if outcome.reference and not outcome.good
            if outcome.status is not OutcomeStatus.UNEXPECTED
        )

    @property
    def retries(self) -> int:
        """How many times instances were asked for again."""
        return sum(outcome.retries for outcome in self.outcomes)

    @property
    def protocols(self) -> tuple[str, ...]:
        """How the instances came, sorted."""
        return tuple(sorted({outcome.protocol for outcome in self.outcomes} - {""}))

    @property
    def transfer_syntaxes(self) -> dict[str, int]:
        """How many instances came in which Transfer Syntax UID, sorted by UID."""
        counted = Counter(outcome.transfer_syntax for outcome in self.outcomes if outcome.good)
        return dict(sorted(counted.items()))

    def _shortfall(self) -> Iterable[str]:
        expected = self.expectation
        if expected.completeness is not Completeness.COMPLETE and not expected.reasons:
            yield f"{expected.source} may not have named everything"
        if self.missing:
            yield f"{len(self.missing)} of {len(self.missing) + self.received} did not arrive whole"
        elif expected.count is None:
            yield "nobody could say how many instances there are"
        elif self.received < expected.count:
            yield f"{self.received} instances are here, {expected.source} says {expected.count}"


def _study_receipts(items: Iterable[StudyReceipt]) -> tuple[StudyReceipt, ...]:
    return tuple(items)


def _texts(items: Iterable[str]) -> tuple[str, ...]:
    return (items,) if isinstance(items, str) else tuple(items)


_FORMAT: Final = "gurney receipt 1"
_COLUMNS: Final[tuple[str, ...]] = (
    "study_uid", "series_uid", "instance_uid", "status", "reason", "path", "size",
    "checksum", "transfer_syntax", "protocol", "retries", "notes",
    "stored_as",
)  # fmt: skip


@attrs.frozen(repr=False)
class Receipt:
    """The proof of a download: per study, what was expected and what became of it.

    Attributes
    ----------
    studies
        In the order they were asked for.
    reasons
        Why the whole is not known to be complete, beyond what the studies say: the search that
        named them was capped, for instance.
    archive
        Where it came from, for people; no credentials.
    started, finished
        When, with time zone. Not part of equality.
    notes
        Oddities that do not touch completeness: copies of an instance that differ, for example.

    Examples
    --------
    >>> Receipt([], reasons=["the search was capped"]).complete
    False
    """

    studies: tuple[StudyReceipt, ...] = attrs.field(converter=_study_receipts)
    reasons: tuple[str, ...] = attrs.field(default=(), converter=_texts)
    archive: str = attrs.field(default="", validator=instance_of(str))
    started: datetime | None = attrs.field(default=None, eq=False)
    finished: datetime | None = attrs.field(default=None, eq=False)
    notes: tuple[str, ...] = attrs.field(default=(), converter=_texts)

    @property
    def complete(self) -> bool:
        """The answer: everything asked for is here, whole, and is known to be everything."""
        return not self.reasons and all(study.complete for study in self.studies)

    @property
    def outcomes(self) -> tuple[Outcome, ...]:
        """The outcomes of all studies, in order."""
        return tuple(outcome for study in self.studies for outcome in study.outcomes)

    @property
    def counts(self) -> dict[OutcomeStatus, int]:
        """How many instances had which outcome; every status is there."""
        counted = Counter(outcome.status for outcome in self.outcomes)
        return {status: counted[status] for status in OutcomeStatus}

    @property
    def missing(self) -> tuple[DICOMObjectReference, ...]:
        """What was expected and is not whole in its place: give it to the next download."""
        return tuple(reference for study in self.studies for reference in study.missing)

    @property
    def verified_bytes(self) -> int:
        """Bytes of all instances that are whole in their place."""
        return sum(study.verified_bytes for study in self.studies)

    def __repr__(self) -> str:
        state = "complete" if self.complete else "INCOMPLETE"
        here = sum(study.received for study in self.studies)
        return f"Receipt({state}: {here} instances of {len(self.studies)} studies)"

    def to_json(self) -> str:
        """Return the receipt as JSON text, two spaces deep; `from_json` reads it back."""
        return "".join(receipt_json(self, self.studies, complete=self.complete))

    @classmethod
    def from_json(cls, text: str) -> Receipt:
        """Return the receipt that `to_json` wrote.

        Raises
        ------
        InvalidInputError
            If *text* is not a receipt.
        """
        try:
            content = json.loads(text)
            if content["format"] != _FORMAT:
                raise ValueError(_FORMAT)
            return cls(
                [_study_from_dict(study) for study in content["studies"]],
                reasons=content["reasons"],
                notes=content["notes"],
                archive=content["archive"],
                started=_time(content["started"]),
                finished=_time(content["finished"]),
            )
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise InvalidInputError(
                f"not a receipt that gurney wrote ({type(error).__name__}); "
                f"expected JSON with format {_FORMAT!r}"
            ) from error

    def to_csv(self) -> str:
        """Return one line per instance with a heading, for a spreadsheet.

        Line breaks and other control characters in a cell become spaces.
        """
        return "".join(receipt_csv(self.studies))


def receipt_json(
    receipt: Receipt, studies: Iterable[StudyReceipt], *, complete: bool
) -> Iterator[str]:
    """Yield the JSON text of a receipt, one study at a time.

    Parameters
    ----------
    receipt
        What is said of the whole. Its own studies are left out.
    studies
        Those that are written.
    complete
        Whether the whole is, which stands before the first study.
    """
    heading: dict[str, object] = {
        "format": _FORMAT,
        "complete": complete,
        "reasons": receipt.reasons,
        "notes": receipt.notes,
        "archive": receipt.archive,
        "started": receipt.started.isoformat() if receipt.started else None,
        "finished": receipt.finished.isoformat() if receipt.finished else None,
        "studies": [],
    }
    yield json.dumps(heading, indent=2).removesuffix("]\n}")
    closing = "]\n}"
    for number, study in enumerate(studies):
        text = json.dumps(_study_to_dict(study), indent=2).replace("\n", "\n    ")
        yield f"{',' if number else ''}\n    {text}"
        closing = "\n  ]\n}"
    yield closing


def receipt_csv(studies: Iterable[StudyReceipt]) -> Iterator[str]:
    """Yield the CSV text of a receipt, one study at a time, the heading first."""
    yield ",".join(_COLUMNS) + "\n"
    for study in studies:
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerows(map(_to_cells, study.outcomes))
        yield text.getvalue()


def _to_cells(outcome: Outcome) -> list[str]:
    uids = outcome.reference.uids if outcome.reference else ()
    row = _outcome_to_dict(outcome) | {
        "notes": "; ".join(outcome.notes),
        "stored_as": outcome.stored_as or "",
    }
    row |= zip(_COLUMNS, uids, strict=False)
    return [_cell(row.get(name, "")) for name in _COLUMNS]


def _study_to_dict(study: StudyReceipt) -> dict[str, Any]:
    """Put the figures first, for readers; only ``expectation`` and ``instances`` are read back."""
    return {
        "study_uid": study.study_uid,
        "complete": study.complete,
        "reasons": study.reasons,
        "received": study.received,
        "verified_bytes": study.verified_bytes,
        "retries": study.retries,
        "protocols": study.protocols,
        "transfer_syntaxes": study.transfer_syntaxes,
        "missing": [str(reference) for reference in study.missing],
        "expectation": attrs.asdict(study.expectation),
        "instances": [_outcome_to_dict(outcome) for outcome in study.outcomes],
    }


def _cell(value: object) -> str:
    text = str(value)
    if text.isprintable():  # as nearly all are
        return text
    return "".join(c if c.isprintable() else " " for c in text)


def _outcome_to_dict(outcome: Outcome) -> dict[str, Any]:
    fields = attrs.asdict(outcome, recurse=False)
    names = {
        name: str(fields[name]) if fields[name] else None for name in ("reference", "stored_as")
    }
    return {**fields, **names, "status": outcome.status.value}


def _study_from_dict(content: Mapping[str, Any]) -> StudyReceipt:
    expectation = dict(content["expectation"])
    expectation["completeness"] = Completeness(expectation["completeness"])
    expectation["reasons"] = tuple(expectation["reasons"])
    outcomes = [_outcome_from_dict(outcome) for outcome in content["instances"]]
    return StudyReceipt(content["study_uid"], Expectation(**expectation), outcomes)


def _outcome_from_dict(content: Mapping[str, Any]) -> Outcome:
    fields = dict(content)
    for name in ("reference", "stored_as"):
        fields[name] = parse_reference(fields[name]) if fields.get(name) else None
    fields["status"] = OutcomeStatus(fields["status"])
    fields["notes"] = tuple(fields["notes"])
    return Outcome(**fields)


def _time(text: str | None) -> datetime | None:
    return None if text is None else datetime.fromisoformat(text)
