"""A multipart body is split while it arrives: part by part, in chunks, nothing joined.

The closing delimiter is the only end mark there is: a body that ends with its connection looks the
same cut or whole (W01). So a reader knows at the end *how* the body ended.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from enum import Enum
from typing import Final

import attrs

from ..core import BudgetExceededError, GurneyError, InvalidInputError

__all__ = ["Ending", "MultipartReader", "Part", "PartLimits"]


class Ending(str, Enum):
    """How a multipart body ended."""

    TERMINATED = "terminated"
    UNTERMINATED = "ended after a whole part, without the closing delimiter"
    CUT = "cut in a part"
    EMPTY = "held no part at all"


@attrs.frozen
class PartLimits:
    """What to put up with before a body is given up.

    Attributes
    ----------
    headers
        Bytes of headers a part.
    fields
        Number of headers a part.
    parts
        Number of parts a body.
    content
        Bytes of content a part.
    preamble
        Bytes before the first delimiter; so much is also read of what follows the last.
    """

    headers: int = 16 * 1024
    fields: int = 64
    parts: int = 1_000_000
    content: int = 1 << 38
    preamble: int = 64 * 1024


@attrs.define(eq=False)
class Part:
    """One part; its chunks are to be taken before the next part is asked for.

    Attributes
    ----------
    headers
        By lower-case name; empty if the part has none (W03).
    chunks
        The content.
    whole
        Known when the chunks are at their end: a delimiter followed, or exactly as many bytes
        came as Content-Length says.
    size
        Bytes of content that came so far.
    """

    headers: Mapping[str, str]
    chunks: Iterator[bytes] = attrs.field(factory=lambda: iter(()))
    whole: bool = False
    size: int = 0

    @property
    def declared(self) -> int | None:
        """Bytes of content by the part's own Content-Length: a hint, servers count wrongly."""
        length = self.headers.get("content-length", "")
        return int(length) if length.isascii() and length.isdigit() and len(length) < 20 else None


class MultipartReader:
    r"""Splits *chunks*, a multipart body, at its delimiters.

    Takes boundaries with and without quotes, transport padding, lines that end in LF alone, a
    preamble and an epilogue. Without a *boundary* the first line that begins with ``--`` is taken
    for one. Only a whole delimiter counts, with the end of its line: pixel data may hold the
    beginning of one. Memory is that of a chunk, whatever the size of a part.

    Attributes
    ----------
    ending
        How the body ended; known when the parts are at their end.

    References
    ----------
    RFC 2046 5.1, Multipart Media Type; DICOM PS3.18 8.6.

    Examples
    --------
    >>> body = [b"--b\r\nContent-Type: text/plain\r\n\r\nfirst\r\n--b\r\n\r\nsec"]
    >>> reader = MultipartReader(body, "b")
    >>> [(b"".join(part.chunks), part.whole) for part in reader.parts()]
    [(b'first', True), (b'sec', False)]
    >>> reader.ending.value
    'cut in a part'
    """

    def __init__(
        self, chunks: Iterable[bytes], boundary: str | None, limits: PartLimits | None = None
    ) -> None:
        self.ending: Ending = Ending.EMPTY
        self._source: Iterator[bytes] = iter(chunks)
        self._limits: PartLimits = limits or PartLimits()
        name = (boundary or "").encode("latin-1", "replace")
        self._delimiter: bytes = b"\n--" + name if name else b""
        self._buffer: bytes = b"\n"  # the first delimiter need not have a line end before it
        self._at: int = 0
        self._crlf: bool = True  # where lines end in LF alone, a CR before it is content
        self._open: Part | None = None
        self._announced: bool = False  # the last delimiter says that a part follows
        self._failure: GurneyError | None = None

    def parts(self) -> Iterator[Part]:
        """Yield the parts in order.

        What is left of a part is read and dropped when the next one is asked for. If reading the
        body fails, the chunks of that part raise the failure; or the parts do, when it comes
        after a part that is whole.

        Raises
        ------
        BudgetExceededError
            If there are more or larger parts, headers or preambles than the limits allow.
        """
        self._skip_preamble()
        count = 0
        while self._announced:
            count += 1
            if count > self._limits.parts:
                raise BudgetExceededError(f"more than {self._limits.parts} parts in one body")
            part = Part(self._read_headers())
            part.chunks = self._content(part)
            self._open = part
            yield part
            if self._open is part:  # not `part.chunks`: its user may have closed it
                for _ in self._content(part):
                    pass
        self._read_to_the_end()

    # ------------------------------------------------------------ what a body is made of

    def _skip_preamble(self) -> None:
        skipped = 0
        while True:
            end, mark = self._scan(0) if self._delimiter else self._guess()
            skipped += end
            if skipped > self._limits.preamble:
                raise BudgetExceededError(
                    f"no delimiter in the first {self._limits.preamble} bytes of a multipart body"
                )
            if mark is not None:
                return self._pass(mark)
            if not self._more(end):
                return None

    def _read_headers(self) -> dict[str, str]:
        """Take what looks like headers, and the empty line; the first other line is content."""
        headers: dict[str, str] = {}
        left, fields = self._limits.headers, 0
        while left >= 0 and fields <= self._limits.fields:
            end = self._at + left + len("\r\n")
            if self._buffer.startswith(self._delimiter, self._at - 1):
                return headers
            if field := _FIELD.match(self._buffer, self._at, end + 1):
                name = field["name"].decode("ascii").lower()
                value = _FOLD.sub(b" ", field["value"]).strip().decode("latin-1")
                headers[name] = f"{headers[name]}, {value}" if name in headers else value
                left, fields = left - (field.end() - self._at), fields + 1
                self._at = field.end()
            elif blank := _BLANK.match(self._buffer, self._at):
                self._at = blank.end()
                return headers
            elif not _UNDECIDED_FIELD.fullmatch(self._buffer, self._at, end + 1):
                return headers
            elif len(self._buffer) > end:
                break
            elif not self._more(self._at - 1):  # its line end may be that of a delimiter, too
                self._at = len(self._buffer)
                return {}
        raise BudgetExceededError(
            f"a part has more than {self._limits.fields} headers,"
            f" or more than {self._limits.headers} bytes of them"
        )

    def _content(self, part: Part) -> Iterator[bytes]:
        """Yield the content of *part* up to the delimiter after it."""
        self._check_turn(part)
        begin = max(self._at - 1, 0)  # the line end of the headers may be that of a delimiter, too
        while True:
            end, mark = self._scan(begin)
            if end > self._at:
                yield self._take(part, end)
                self._check_turn(part)
            if mark is not None:
                part.whole = True
                self._pass(mark)
                self._open = None
                return
            if not self._more(end):
                yield from self._last(part)
                return
            begin = 0

    def _check_turn(self, part: Part) -> None:
        if self._open is not part:
            raise InvalidInputError(
                "the content of a part was asked for after the next part; take it before"
            )

    def _last(self, part: Part) -> Iterator[bytes]:
        """Yield what is left of *part* when the body has ended in it."""
        if part.declared != part.size and self._at < len(self._buffer):
            yield self._take(part, len(self._buffer))  # no delimiter began here after all
        part.whole = part.declared == part.size
        self._announced = False
        self._open = None
        if part.whole:
            self.ending = Ending.UNTERMINATED
        else:
            self._raise_failure()

    def _read_to_the_end(self) -> None:
        """Read the epilogue, so that the connection can be used again."""
        self._raise_failure()
        left = self._limits.preamble
        while left > 0 and self.ending is Ending.TERMINATED and self._more(len(self._buffer)):
            left -= len(self._buffer)
        # A failure here is of no account: all parts have come, and the closing delimiter.

    # ------------------------------------------------------------ delimiters in the buffer

    def _scan(self, begin: int) -> tuple[int, re.Match[bytes] | None]:
        """Return where content ends for certain, and the rest of the delimiter that follows."""
        buffer, delimiter = self._buffer, self._delimiter
        found = buffer.find(delimiter, begin)
        while found >= 0:
            rest = found + len(delimiter)
            mark = _AFTER.match(buffer, rest)
            if mark is not None or _UNDECIDED_AFTER.fullmatch(buffer, rest):
                return self._line_end(found), mark
            found = buffer.find(delimiter, found + 1)  # content may hold the beginning of one
        found = buffer.find(b"\n", max(begin, len(buffer) - len(delimiter) + 1))
        while found >= 0 and not delimiter.startswith(buffer[found:]):
            found = buffer.find(b"\n", found + 1)
        return self._line_end(found if found >= 0 else len(buffer)), None

    def _line_end(self, at: int) -> int:
        """Return where the line end begins of which the LF is, or may come, *at* a position."""
        return at - 1 if self._crlf and at and self._buffer[at - 1] == _CR else at

    def _guess(self) -> tuple[int, re.Match[bytes] | None]:
        """Take the first line that looks like a delimiter for one; as `_scan`."""
        mark = _FIRST.search(self._buffer)
        if mark is None:
            return (len(self._buffer) if len(self._buffer) > self._limits.preamble else 0), None
        self._delimiter = b"\n--" + mark["name"]
        return mark.start(), mark

    def _pass(self, mark: re.Match[bytes]) -> None:
        """Go on behind a delimiter."""
        self._at = mark.end()
        self._crlf = mark.group().endswith(b"\r\n")
        self._announced = mark["closing"] is None
        if self._announced:
            self.ending = Ending.CUT  # until it is known better
        elif self._open is not None:
            self.ending = Ending.TERMINATED

    # ------------------------------------------------------------ bytes

    def _take(self, part: Part, end: int) -> bytes:
        piece = self._buffer[self._at : end]
        self._at = end
        part.size += len(piece)
        if part.size > self._limits.content:
            raise BudgetExceededError(f"a part is larger than {self._limits.content} bytes")
        return piece

    def _more(self, keep: int) -> bool:
        """Read a chunk and forget the buffer before *keep*; `False` at the end of the body."""
        if self._failure is not None:
            return False
        try:
            chunk = next(filter(None, self._source), b"")
        except GurneyError as error:
            self._failure = error  # raised when it is known whether it has hurt a part
            return False
        rest = self._buffer[keep:]
        self._buffer = rest + chunk if rest else chunk
        self._at = max(self._at - keep, 0)
        return bool(chunk)

    def _raise_failure(self) -> None:
        failure, self._failure = self._failure, None
        if failure is not None:
            raise failure


_CR: Final = 13
_AFTER: Final = re.compile(rb"(?P<closing>--)|[ \t]{0,256}\r?\n")  # transport padding, line end
_UNDECIDED_AFTER: Final = re.compile(rb"-?|[ \t]{0,256}\r?")
_FIRST: Final = re.compile(rb"\n--(?P<name>[^\r\n]{1,70}?)(?P<closing>--)?[ \t]*\r?\n")
_FIELD: Final = re.compile(
    rb"(?P<name>[!-9;-~]+)[ \t]*:(?P<value>[^\r\n]*(?:\r?\n[ \t][^\r\n]*)*)\r?\n(?=[^ \t])"
)
_UNDECIDED_FIELD: Final = re.compile(
    rb"\r?|[!-9;-~]+[ \t]*(?::(?:[^\r\n]|\r?\n(?=[ \t]|\Z)|\r\Z)*)?"
)
_FOLD: Final = re.compile(rb"\r?\n[ \t]+")
_BLANK: Final = re.compile(rb"\r?\n")
