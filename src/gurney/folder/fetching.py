"""From objects to the bytes of their files."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from ..core import (
    CHUNK_SIZE,
    DICOMDownloadable,
    DICOMFile,
    DICOMObjectReference,
    DownloadError,
    InstanceReference,
)
from .paths import in_words, open_at

__all__ = ["Wanted", "deepest", "look_up", "to_file"]

_PROTOCOL: Final = "file"


class Wanted(NamedTuple):
    """An instance that was asked for, and the file that holds it: of several, the best."""

    reference: DICOMObjectReference
    key: int | None = None
    path: bytes = b""
    size: int = 0
    mtime: int = 0
    problem: str = ""


def deepest(obj: DICOMDownloadable) -> Iterator[DICOMObjectReference]:
    """Yield references to what is known to be in *obj*, as deep as it is known, in tree order."""
    if not obj.children:
        yield obj.reference()
    for child in obj.children:
        yield from deepest(child)


def look_up(
    connection: sqlite3.Connection, references: Sequence[DICOMObjectReference]
) -> list[Wanted]:
    """Return the files of the instances in *references*, in tree order.

    Where there is none, the reference itself is returned, without a file.
    """
    found: list[Wanted] = []
    for reference in references:
        instances = list(_files_of(connection, reference))
        found.extend(instances or [Wanted(reference)])
    return found


_COLUMNS: Final = ("study_uid", "series_uid", "instance_uid")


def _files_of(connection: sqlite3.Connection, reference: DICOMObjectReference) -> Iterator[Wanted]:
    uids = reference.uids
    condition = " AND ".join(f"{column} = ?" for column in _COLUMNS[: len(uids)])
    rows = connection.execute(
        "SELECT study_uid, series_uid, instance_uid, key, path, size, mtime, problem, detail"  # noqa: S608  text is ours
        f" FROM header JOIN file ON file.header = header.id WHERE {condition}"
        " ORDER BY series_uid, number IS NULL, number, instance_uid, problem IS NOT NULL, path",
        uids,
    )
    last: InstanceReference | None = None
    for *triple, key, path, size, mtime, problem, detail in rows:
        instance = InstanceReference(*triple)
        if instance != last:
            last = instance
            yield Wanted(instance, key, path, size, mtime, detail if problem else "")


def to_file(root: bytes, wanted: Wanted) -> DICOMFile:
    """Return the stream of a file, or one that says why there is none."""
    subject = str(wanted.reference)
    if not wanted.path:
        reason = "it is not in this folder; if it is new, search again"
    elif wanted.problem:
        reason = f"its file is not whole: {wanted.problem}"
    else:
        chunks = _chunks(root, wanted, subject)
        return DICOMFile(chunks, wanted.reference, _PROTOCOL, wanted.size)
    return DICOMFile(_failure(subject, reason), wanted.reference, _PROTOCOL)


def _failure(subject: str, reason: str) -> Iterator[bytes]:
    raise DownloadError(subject, reason)
    yield b""  # makes it a generator, so that it raises where it is read


def _chunks(root: bytes, wanted: Wanted, subject: str) -> Iterator[bytes]:
    try:
        with open_at(root, wanted.path) as file:
            found = os.fstat(file.fileno())
            if (found.st_size, found.st_mtime_ns) != (wanted.size, wanted.mtime):
                raise DownloadError(subject, "its file has changed since; search again")
            left = wanted.size
            while left:
                chunk = file.read(min(CHUNK_SIZE, left))
                if not chunk:
                    raise DownloadError(subject, "its file has become shorter; search again")
                left -= len(chunk)
                yield chunk
    except OSError as error:
        raise DownloadError(subject, f"its file cannot be read: {in_words(error)}") from error
