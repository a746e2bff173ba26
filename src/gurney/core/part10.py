"""One instance on its way: a stream of DICOM Part 10 bytes, and the way to a data set and back."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from io import BytesIO
from typing import Final

import attrs
from pydicom import dcmread, dcmwrite
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import UID, ExplicitVRBigEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from .errors import DownloadError, InvalidInputError
from .references import DICOMObjectReference
from .values import subset
from .walk import walk

__all__ = ["CHUNK_SIZE", "DICOMFile", "decode", "encode"]

CHUNK_SIZE: Final = 1 << 20
"""Bytes that are read, passed on and written at a time."""

_SYNTAXES: Final[dict[tuple[bool | None, bool | None], UID]] = {
    (True, True): ImplicitVRLittleEndian,
    (False, False): ExplicitVRBigEndian,
}


@attrs.define(eq=False)
class DICOMFile:
    """The bytes of one instance as they arrive: read once, in order, never held as a whole.

    Consume it before the next one is asked for; a downloader may give up what is left of it then.

    Attributes
    ----------
    chunks
        The bytes, in pieces of any size. Raises `DownloadError` when they end too early.
    reference
        What was asked for that these bytes answer: an instance; or a study or series of which
        the archive has nothing, so that the chunks raise. `None` if the sender does not say.
    protocol
        How they come: ``"file"``, ``"WADO-RS"``, ...
    size
        Announced size in bytes, a hint; `None` if nothing was announced.
    retries
        How often these bytes were asked for before.
    """

    chunks: Iterator[bytes]
    reference: DICOMObjectReference | None = None
    protocol: str = ""
    size: int | None = None
    retries: int = 0

    def read(self) -> bytes:
        """Return all (remaining) bytes: for one who knows that they fit into memory."""
        return b"".join(self.chunks)

    def dataset(self) -> Dataset:
        """Return the instance as a data set, verified to be whole.

        Raises
        ------
        DownloadError
            If the bytes end too early, or are not a whole DICOM instance.
        """
        return decode(self.read(), str(self.reference or "an instance without a name"))


def decode(content: bytes, subject: str) -> Dataset:
    """Return *content*, a Part 10 file, as a data set.

    Raises
    ------
    DownloadError
        If *content* is not whole. `pydicom.dcmread` alone takes cut files for whole ones (P01).
    """
    walked = walk([content])
    if not walked.whole:
        raise DownloadError(subject, walked.fault)
    try:
        return dcmread(BytesIO(content), force=True)
    except Exception as error:  # pydicom raises a dozen classes on damaged files (P01)
        reason = f"pydicom cannot read it ({type(error).__name__})"
        raise DownloadError(subject, reason) from error


def encode(dataset: Dataset, *, done_with: bool = False) -> bytes:
    """Return *dataset* as a Part 10 file in its own transfer syntax; *dataset* is not changed.

    Without file meta information the encoding it was read in is used, else Explicit VR Little
    Endian.

    Parameters
    ----------
    dataset
        What is to be written.
    done_with
        Whether nobody needs *dataset* any more, so that it may be changed; that is faster.

    Raises
    ------
    InvalidInputError
        If *dataset* cannot be written, for instance because it has no SOP Instance UID.

    References
    ----------
    DICOM PS3.10 7.1, DICOM File Meta Information.
    """
    output = BytesIO()
    try:
        ready = _with_meta(dataset, copied=not done_with)
        dcmwrite(output, ready, enforce_file_format=True)
    except Exception as error:  # pydicom raises a dozen classes on damaged values (P01)
        raise InvalidInputError(
            f"this data set cannot be written as a DICOM file ({type(error).__name__}); "
            f"check its UIDs, its transfer syntax and its values"
        ) from error
    return output.getvalue()


def _with_meta(dataset: Dataset, *, copied: bool) -> Dataset:
    """Return it *copied* as deep as writing reaches: pydicom completes meta and settles VRs."""
    copy = subset(dataset, lambda _: True)
    if copied:
        copy = deepcopy(copy)
    copy.file_meta = deepcopy(getattr(dataset, "file_meta", FileMetaDataset()))
    if "TransferSyntaxUID" not in copy.file_meta:
        syntax = _SYNTAXES.get(dataset.original_encoding, ExplicitVRLittleEndian)
        copy.file_meta.TransferSyntaxUID = syntax
    return copy
