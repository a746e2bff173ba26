"""The structural walk: whether bytes are one whole DICOM instance, and which."""

from __future__ import annotations

from collections.abc import Iterable
from typing import BinaryIO

from ..errors import InvalidInputError
from .instance import InstanceWalk
from .result import Limits, Walked

__all__ = ["StructuralWalk", "walk", "walk_file"]

_LIMITS = Limits()
_PIECE = 16 * 1024  # bytes read from a file at once: most headers are shorter


def walk(
    chunks: Iterable[bytes], keywords: Iterable[str] = (), limits: Limits | None = None
) -> Walked:
    """Walk over an instance that comes in *chunks*.

    Parameters
    ----------
    chunks
        The bytes of one instance, in order, cut anywhere; taken to their end.
    keywords
        Elements of the data set to keep, besides those that are always kept.
    limits
        What to put up with; by default, all that real instances need.

    Returns
    -------
    Walked
        Damage is no error here, but `Walked.fault`.

    Raises
    ------
    InvalidInputError
        If DICOM has no such keyword.

    Examples
    --------
    >>> walk([b"<html>404"]).fault
    'not DICOM: an HTML page or XML document'
    """
    structure = StructuralWalk(keywords, limits)
    for chunk in chunks:
        structure.feed(chunk)
    return structure.finish()


def walk_file(file: BinaryIO, keywords: Iterable[str] = (), limits: Limits | None = None) -> Walked:
    """Walk over the rest of a seekable *file*, passing over long values without reading them.

    As `walk`. The pieces read are small: *file* is best opened with ``buffering=0``.
    """
    structure = StructuralWalk(keywords, limits)
    start = file.tell()
    left = file.seek(0, 2) - start
    file.seek(start)
    while left > 0:
        step = min(structure.skippable, left)
        if step == left:  # the end, or a fault: nothing more to see
            structure.skip(step)
            break
        if step:
            structure.skip(step)
            file.seek(step, 1)
        else:
            piece = file.read(min(_PIECE, left))
            if not piece:  # the file has become shorter meanwhile
                break
            structure.feed(piece)
            step = len(piece)
        left -= step
    return structure.finish()


class StructuralWalk:
    """Walks over the bytes of one instance as they come: `feed` them, then `finish`.

    No value is decoded, and none is held but those asked for: memory does not grow with the
    instance. No length is believed: what one claims is passed over only as far as bytes really
    come, and what follows must again be an element.

    Parameters
    ----------
    keywords
        Elements of the data set to keep, besides those that are always kept.
    limits
        What to put up with; by default, all that real instances need.

    Raises
    ------
    InvalidInputError
        If DICOM has no such keyword. No bytes ever raise.

    Notes
    -----
    A cut exactly between two elements of the data set leaves a shorter one that is whole. Who
    transports the bytes can know, by their own end mark; here it cannot be seen.

    References
    ----------
    DICOM PS3.5 chapter 7 and annex A, PS3.10 chapter 7.

    Examples
    --------
    >>> structure = StructuralWalk(["PatientID"])
    >>> structure.feed(bytes(128) + b"DICM")
    >>> structure.finish().fault
    'not DICOM: nothing after the preamble'
    """

    __slots__ = ("_walk",)

    def __init__(self, keywords: Iterable[str] = (), limits: Limits | None = None) -> None:
        self._walk: InstanceWalk = InstanceWalk(keywords, limits or _LIMITS)

    def feed(self, chunk: bytes | bytearray | memoryview) -> None:
        """Walk over *chunk*, of any length, which follows the one before. It is not held."""
        self._walk.feed(chunk if isinstance(chunk, bytes) else memoryview(chunk).cast("B"))

    @property
    def skippable(self) -> int:
        """How many of the next bytes need not be seen; whoever can, may `skip` up to so many.

        After a fault, more than there can be: nothing that follows changes the result.
        """
        return self._walk.skippable

    def skip(self, count: int) -> None:
        """Take note that *count* bytes follow that will not be fed.

        That they are really there, only the caller can know.

        Raises
        ------
        InvalidInputError
            If *count* is negative or more than `skippable`.
        """
        if not 0 <= count <= self.skippable:
            raise InvalidInputError(f"cannot skip {count} bytes, at most {self.skippable}")
        self._walk.let_pass(count)

    def finish(self) -> Walked:
        """Say what was found. To be called once, after the last byte."""
        return self._walk.finish()
