"""What workers note of a parcel, between storing an instance and the ledger's line for it.

A worker that dies takes what it knows with it: what it has stored is whole on the disk, but nobody
could say whether it had been there before, nor how it came. So there is a file for each parcel: in
its first line, what was there before; then, for each instance, how it comes before it is stored,
and its outcome after that. It is needed no more once the ledger has the outcomes.
"""

from __future__ import annotations

import json
import os
from collections.abc import Generator, Iterable
from contextlib import contextmanager, suppress
from pathlib import Path
from secrets import token_hex
from types import TracebackType
from typing import Any, Final, Protocol, cast

import attrs
from typing_extensions import Self

from gurney.core import (
    DICOMObjectReference,
    InstanceReference,
    Outcome,
    OutcomeStatus,
    StorageError,
    parse_reference,
)

__all__ = ["Coming", "FileJournal", "Journal", "MemoryJournal", "Noted", "journal_path"]

_encode: Final = json.JSONEncoder(separators=(",", ":")).encode
_NAMES: Final = ("reference", "stored_as")
_DEFAULTS: Final = tuple((field.name, field.default) for field in attrs.fields(Outcome))


@attrs.frozen
class Coming:
    """How an instance came, as noted before it was stored."""

    protocol: str = ""
    retries: int = 0


@attrs.define
class Noted:
    """What earlier workers have noted of a parcel.

    Attributes
    ----------
    before
        What was there before the transfer; `None` if nobody has looked yet.
    coming
        What other workers were about to store; maybe they did.
    outcomes
        What was stored, or was there, or was withheld.
    """

    before: frozenset[InstanceReference] | None = None
    coming: dict[InstanceReference, Coming] = attrs.field(factory=dict[InstanceReference, Coming])
    outcomes: dict[DICOMObjectReference, Outcome] = attrs.field(
        factory=dict[DICOMObjectReference, Outcome]
    )


class Journal(Protocol):
    """Takes down what a worker does, and tells what was taken down before."""

    @property
    def noted(self) -> Noted:
        """What was noted before this worker began."""
        ...

    def begin(self, before: Iterable[InstanceReference]) -> None:
        """Note, for ever, what was there *before*; who says so second is not heard."""
        ...

    def intend(self, reference: InstanceReference, coming: Coming) -> None:
        """Note that an instance has come, and is about to be stored."""
        ...

    def was_coming(self, reference: InstanceReference) -> Coming | None:
        """Return what another worker, before or at this moment, has intended."""
        ...

    def note(self, outcome: Outcome) -> None:
        """Note the good *outcome* of an instance."""
        ...


class MemoryJournal(Journal):
    """For workers that share no folder: remembers nothing of those who died."""

    def __init__(self) -> None:
        self._noted: Noted = Noted()

    @property
    def noted(self) -> Noted:
        """Nothing but what was there before."""
        return self._noted

    def begin(self, before: Iterable[InstanceReference]) -> None:
        """Remember what was there *before*."""
        self._noted.before = frozenset(before)

    def intend(self, reference: InstanceReference, coming: Coming) -> None:
        """Nobody will ask."""

    def was_coming(self, reference: InstanceReference) -> Coming | None:  # noqa: ARG002
        """Return `None`: nobody else has said anything."""
        return None

    def note(self, outcome: Outcome) -> None:
        """Nobody will ask."""


def journal_path(folder: Path, parcel: int) -> Path:
    """Return where the journal of the parcel of this number is, in the *folder* of journals."""
    return folder / f"{parcel}.jsonl"


class FileJournal(Journal):
    """A journal in a file; several processes may write it at a time, each line at once.

    A line that was cut when its writer died is passed over, as are lines of other versions.

    Raises
    ------
    StorageError
        From all methods, if the file cannot be read or written.
    """

    def __init__(self, path: Path) -> None:
        self._path: Path = path
        self._output: int = -1
        self._me: str = token_hex(4)
        with _told(path):
            self._noted: Noted = _read(path, self._me)
        if self._noted.before is not None:
            self._open()

    @property
    def noted(self) -> Noted:
        """What was noted before this worker began."""
        return self._noted

    def begin(self, before: Iterable[InstanceReference]) -> None:
        """Make the file, with its first line: whole or not at all, by the first who comes."""
        draft = self._path.with_name(f".{self._path.name}-{self._me}")
        with _told(self._path):
            try:
                _write_new(draft, {"before": [str(reference) for reference in before]})
                with suppress(FileExistsError):
                    os.link(draft, self._path)
            finally:
                draft.unlink(missing_ok=True)
            self._noted = _read(self._path, self._me)
        self._open()

    def intend(self, reference: InstanceReference, coming: Coming) -> None:
        """Note that an instance has come, and is about to be stored."""
        self._append({"coming": [str(reference), coming.protocol, coming.retries, self._me]})

    def was_coming(self, reference: InstanceReference) -> Coming | None:
        """Read it all again: seldom needed."""
        with _told(self._path):
            return _read(self._path, self._me).coming.get(reference)

    def note(self, outcome: Outcome) -> None:
        """Note the good *outcome* of an instance."""
        self._append({"outcome": _to_json(outcome)})

    def close(self) -> None:
        """Write no more."""
        if self._output >= 0:
            os.close(self._output)
            self._output = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _open(self) -> None:
        with _told(self._path):
            self._output = os.open(self._path, os.O_RDWR | os.O_APPEND)
            end = os.lseek(self._output, 0, os.SEEK_END)
            if end and os.pread(self._output, 1, end - 1) != b"\n":  # its writer died there
                os.write(self._output, b"\n")

    def _append(self, entry: dict[str, Any]) -> None:
        line = _line(entry)
        with _told(self._path):
            if os.write(self._output, line) < len(line):
                raise OSError(0, "not all of a line was taken: the disk is full")


def _write_new(path: Path, entry: dict[str, Any]) -> None:
    output = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        line = _line(entry)
        if os.write(output, line) < len(line):
            raise OSError(0, "not all of a line was taken: the disk is full")
        os.fsync(output)
    finally:
        os.close(output)


def _line(entry: dict[str, Any]) -> bytes:
    return _encode(entry).encode() + b"\n"


def _read(path: Path, me: str) -> Noted:
    noted = Noted()
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return noted
    for line in content.splitlines():
        with suppress(ValueError, KeyError, TypeError, IndexError, AttributeError):
            _take_in(noted, json.loads(line), me)
    return noted


def _take_in(noted: Noted, entry: dict[str, Any], me: str) -> None:
    if "before" in entry:
        noted.before = frozenset(map(_instance, entry["before"]))
    elif "coming" in entry:
        name, protocol, retries, who = entry["coming"]
        if who != me:
            noted.coming[_instance(name)] = Coming(protocol, retries)
    else:
        outcome = _from_json(entry["outcome"])
        if outcome.reference is not None:
            noted.outcomes[outcome.reference] = outcome


def _instance(text: str) -> InstanceReference:
    reference = parse_reference(text)
    if not isinstance(reference, InstanceReference):
        raise TypeError(text)
    return reference


def _to_json(outcome: Outcome) -> dict[str, Any]:
    """Return what differs from the defaults."""
    fields: dict[str, Any] = {}
    for name, default in _DEFAULTS:
        value = getattr(outcome, name)
        if value != default:
            fields[name] = str(value) if name in _NAMES else value
    return fields


def _from_json(fields: dict[str, Any]) -> Outcome:
    fields["status"] = OutcomeStatus(fields["status"])
    fields["notes"] = tuple(cast("Iterable[str]", fields.get("notes", ())))
    for name in _NAMES:
        if name in fields:
            fields[name] = _instance(fields[name])
    return Outcome(**fields)


@contextmanager
def _told(path: Path) -> Generator[None, None, None]:
    try:
        yield
    except OSError as error:
        raise StorageError(
            f"the journal {path.name} cannot be used: {error.strerror}; make room on the disk of"
            " the ledger, check who may write there, and run again"
        ) from error
