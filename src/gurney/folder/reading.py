"""What one file is, and what the index keeps of it."""

from __future__ import annotations

import os
from contextlib import suppress
from hashlib import blake2b
from typing import Final, NamedTuple

from ..core import CHUNK_SIZE, is_uid
from ..core.walk import FaultKind, Walked, walk_file
from .headers import KEYWORDS, split
from .paths import in_words, name_of, open_at
from .report import FileStatus
from .scanning import NOT_REGULAR, UNREADABLE, Entry

__all__ = ["FileRow", "HeaderRow", "digest_of", "instance_key", "is_directory", "read"]

_DIRECTORY_CLASS: Final = "1.2.840.10008.1.3.10"  # Media Storage Directory Storage, PS3.10 8.6


class HeaderRow(NamedTuple):
    """A row of the table ``header``; see there."""

    id: bytes
    study_uid: str
    series_uid: str
    class_uid: str
    transfer_syntax: str
    study: bytes
    series: bytes


class FileRow(NamedTuple):
    """A row of the table ``file``, without its number and its digest; see there."""

    path: bytes
    size: int
    mtime: int
    status: str
    problem: str | None
    detail: str
    header: bytes | None = None
    key: int | None = None
    instance_uid: str | None = None
    number: int | None = None
    content: bytes | None = None


def read(root: bytes, entry: Entry) -> tuple[FileRow, HeaderRow | None] | None:
    """Walk over the file of *entry*, in *root*; `None` if it is there no more."""
    path, size, mtime, wrong = entry
    if size == UNREADABLE:
        return _without_header(path, UNREADABLE, 0, FileStatus.UNREADABLE, wrong)
    if wrong == NOT_REGULAR:
        return _without_header(path, size, mtime, FileStatus.NOT_DICOM, wrong)
    try:
        with open_at(root, path) as file:
            found = os.fstat(file.fileno())
            walked = walk_file(file, KEYWORDS)
    except FileNotFoundError:
        return None
    except OSError as error:
        return _without_header(path, UNREADABLE, 0, FileStatus.UNREADABLE, in_words(error))
    return _judge(path, found.st_size, found.st_mtime_ns, walked)


def _judge(path: bytes, size: int, mtime: int, walked: Walked) -> tuple[FileRow, HeaderRow | None]:
    if walked.kind is FaultKind.NOT_DICOM:
        _, _, what = walked.fault.partition(": ")
        return _without_header(path, size, mtime, FileStatus.NOT_DICOM, what)
    if is_directory(path, walked):
        kind = walked.kind.value if walked.kind else "a list of files"
        return _without_header(path, size, mtime, FileStatus.DICOMDIR, kind, walked.fault)
    problem = _missing(walked)
    if problem:
        return _without_header(path, size, mtime, FileStatus.UNUSABLE, problem, walked.fault)
    return _indexed(path, size, mtime, walked)


def _without_header(  # noqa: PLR0917  columns, in order
    path: bytes, size: int, mtime: int, status: FileStatus, problem: str, detail: str = ""
) -> tuple[FileRow, None]:
    return FileRow(path, size, mtime, status.value, problem, detail), None


def _indexed(path: bytes, size: int, mtime: int, walked: Walked) -> tuple[FileRow, HeaderRow]:
    study, series, content, number = split(walked)
    uids = (walked.study_uid, walked.series_uid)
    texts = (*uids, walked.sop_class_uid, walked.transfer_syntax)
    digest = blake2b(repr(texts).encode(), digest_size=16)
    for part in (study, series):
        digest.update(len(part).to_bytes(4, "big") + part)
    header = HeaderRow(digest.digest(), *texts, study, series)
    row = FileRow(
        path,
        size,
        mtime,
        FileStatus.INDEXED.value,
        walked.kind.value if walked.kind else None,
        walked.fault or "; ".join(walked.oddities),
        header.id,
        instance_key(*uids, walked.instance_uid),
        walked.instance_uid,
        _as_number(number),
        content,
    )
    return row, header


def is_directory(path: bytes, walked: Walked) -> bool:
    """Whether this is a DICOMDIR: it says so, or it has the name and is no instance."""
    if walked.meta_class_uid:
        return walked.meta_class_uid == _DIRECTORY_CLASS
    return name_of(path).upper() == b"DICOMDIR" and not walked.instance_uid


def instance_key(study_uid: str, series_uid: str, instance_uid: str) -> int:
    """Return a number for an instance; two have the same one with a chance of 1 in 10**19."""
    text = f"{study_uid}/{series_uid}/{instance_uid}"
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "big", signed=True)


def _missing(walked: Walked) -> str:
    """Say what is missing to place the instance in a tree; ``""`` if nothing is."""
    for keyword, uid in (
        ("StudyInstanceUID", walked.study_uid),
        ("SeriesInstanceUID", walked.series_uid),
        ("SOPInstanceUID", walked.instance_uid),
    ):
        if not uid:
            cut = f"{walked.kind.value}, " if walked.kind else ""
            return f"{cut}without {keyword}"
        if not is_uid(uid):
            return f"with a {keyword} that is none"
    return ""


def _as_number(value: bytes) -> int | None:
    """InstanceNumber, for sorting, if it is a number that a database can hold."""
    with suppress(ValueError):
        number = int(value.strip(b" \0"))
        return number if abs(number) < 1 << 63 else None
    return None


def digest_of(root: bytes, path: bytes) -> bytes:
    """Return a digest of all bytes of a file.

    Raises
    ------
    OSError
        If it cannot be read.
    """
    digest = blake2b(digest_size=16)
    with open_at(root, path) as file:
        while chunk := file.read(CHUNK_SIZE):
            digest.update(chunk)
    return digest.digest()
