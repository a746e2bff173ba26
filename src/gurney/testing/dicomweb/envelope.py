"""Writing multipart bodies, as they should be and otherwise."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

import attrs

__all__ = ["Envelope"]

DICOM: Final = "application/dicom"


@attrs.frozen
class Envelope:
    r"""How instances are put into one body.

    Attributes
    ----------
    media_type
        Of the parts.
    boundary
        As it stands in the body.
    parameter
        The boundary as the Content-Type has it; empty to leave it out.
    headers
        Whether the parts have headers.
    newline
        CRLF, as RFC 2046 says, or what is sent in its place.
    padding
        What follows a boundary on its line.
    preamble, epilogue
        What stands before the first delimiter, and after the last.
    bare
        To send the one instance as it is, with no envelope at all.

    Examples
    --------
    >>> envelope = Envelope(boundary="b", headers=False)
    >>> b"".join(envelope.pieces([b"1", b"2"]))
    b'--b\r\n\r\n1\r\n--b\r\n\r\n2\r\n--b--\r\n'
    """

    media_type: str = DICOM
    boundary: str = "gurney.7c1e9a52f0"
    parameter: str = '"gurney.7c1e9a52f0"'
    headers: bool = True
    newline: bytes = b"\r\n"
    padding: bytes = b""
    preamble: bytes = b""
    epilogue: bytes = b""
    bare: bool = False

    @property
    def content_type(self) -> str:
        """The Content-Type of the whole."""
        if self.bare:
            return self.media_type
        boundary = f"; boundary={self.parameter}" if self.parameter else ""
        return f'multipart/related; type="{self.media_type}"{boundary}'

    def pieces(self, contents: Iterable[bytes]) -> tuple[bytes, ...]:
        """Return the body: a piece for each of *contents*, and one for what closes it."""
        return tuple(contents) if self.bare else tuple(self._wrapped(contents))

    def _wrapped(self, contents: Iterable[bytes]) -> Iterator[bytes]:
        delimiter = b"--" + self.boundary.encode()
        start = self.preamble + self.newline if self.preamble else b""
        for content in contents:
            lines = [delimiter + self.padding, *self._headers(content), b""]
            yield start + self.newline.join(lines) + self.newline + content
            start = self.newline
        yield start + delimiter + b"--" + self.padding + self.newline + self.epilogue

    def _headers(self, content: bytes) -> list[bytes]:
        lines = (f"Content-Type: {self.media_type}", f"Content-Length: {len(content)}")
        return [line.encode() for line in lines] if self.headers else []
