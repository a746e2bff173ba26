"""Text in questions and answers: in which character set, and what its bytes mean.

What is sent is ASCII wherever possible. What comes is read leniently: archives declare the wrong
character set, or none. What cannot be read shows it: it holds U+FFFD, so that it is never taken
for something else.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Final

import attrs

__all__ = ["ASCII", "CharacterSet", "Decoder", "decoder", "sets_for"]


@attrs.frozen
class CharacterSet:
    """A character set to write in.

    Attributes
    ----------
    term
        What Specific Character Set (0008,0005) calls it; ``""`` if nothing has to be said.
    codec
        What Python calls it.
    """

    term: str
    codec: str


ASCII: Final = CharacterSet("", "ascii")
_TO_WRITE_IN: Final = (CharacterSet("ISO_IR 100", "latin-1"), CharacterSet("ISO_IR 192", "utf-8"))


def sets_for(texts: Iterable[str]) -> tuple[CharacterSet, ...]:
    r"""Return the character sets that *texts* can be written in, what most archives know first.

    Examples
    --------
    >>> [each.term for each in sets_for(["DOE^JOHN", "M\xfcller"])]
    ['ISO_IR 100', 'ISO_IR 192']
    >>> sets_for(["DOE^JOHN"])
    (CharacterSet(term='', codec='ascii'),)
    """
    text = "".join(texts)
    if text.isascii():
        return (ASCII,)
    return tuple(each for each in _TO_WRITE_IN if _takes(each.codec, text))


def _takes(codec: str, text: str) -> bool:
    try:
        text.encode(codec)
    except UnicodeEncodeError:
        return False
    return True


# ---------------------------------------------------------------- reading

_UNREADABLE: Final = "\N{REPLACEMENT CHARACTER}"
_ESCAPE: Final = b"\x1b"
_DELIMITER: Final = re.compile(rb"[\\^=\t\n\f\r]")  # brings the first set back, PS3.5 6.1.2.5.3
_SEPARATOR: Final = re.compile("[\\\\^= ]+")
_WITHOUT_EXTENSIONS: Final = {"ISO_IR 192": "utf-8", "GB18030": "gb18030", "GBK": "gbk"}
_SINGLE_BYTE: Final = {
    "6": "ascii",
    "13": "shift_jis",
    "100": "latin-1",
    "101": "iso8859-2",
    "109": "iso8859-3",
    "110": "iso8859-4",
    "126": "iso8859-7",
    "127": "iso8859-6",
    "138": "iso8859-8",
    "144": "iso8859-5",
    "148": "iso8859-9",
    "166": "tis-620",
    "203": "iso8859-15",
}
# By escape sequence, PS3.3 tables C.12-3 and C.12-4. Those of G0 with two bytes a character are
# understood by Python's codec, the escape included.
_ESCAPED: Final = {
    b"(B": "ascii",
    b"(J": "shift_jis",
    b")I": "shift_jis",
    b"-A": "latin-1",
    b"-B": "iso8859-2",
    b"-C": "iso8859-3",
    b"-D": "iso8859-4",
    b"-F": "iso8859-7",
    b"-G": "iso8859-6",
    b"-H": "iso8859-8",
    b"-L": "iso8859-5",
    b"-M": "iso8859-9",
    b"-T": "tis-620",
    b"-b": "iso8859-15",
    b"$)C": "euc_kr",
    b"$)A": "gb2312",
}
_TWO_BYTES_IN_G0: Final = (b"$B", b"$@", b"$(D")
_NUMBER: Final = re.compile(r"ISO[ _-]?(?:2022[ _-])?IR[ _-]?(\d+)")


@attrs.frozen
class Decoder:
    """Reads text of one Specific Character Set (0008,0005). It never fails.

    Attributes
    ----------
    codec
        Of what is not escaped; ``""`` if nothing, or nothing known, was declared.
    escapes
        Whether escape sequences change it (ISO 2022).
    """

    codec: str
    escapes: bool = True

    def text(self, raw: bytes) -> str:
        """Return what *raw* says."""
        if _ESCAPE in raw and self.escapes:
            return self._escaped(raw)
        return raw.decode("ascii") if raw.isascii() else self._plain(raw)

    def _plain(self, raw: bytes) -> str:
        if self.codec not in ("", "ascii", "latin-1"):
            return raw.decode(self.codec, "replace")
        try:  # what is declared as Latin-1, or not at all, is mostly UTF-8 if it can be
            return raw.decode("utf-8")
        except UnicodeDecodeError:
            pass
        if self.codec != "latin-1":
            return raw.decode("ascii", "replace")
        return _not_of_two_bytes(raw.decode("latin-1"))

    def _escaped(self, raw: bytes) -> str:
        first, *fragments = raw.split(_ESCAPE)
        return "".join([self._plain(first), *map(self._fragment, fragments)])

    def _fragment(self, raw: bytes) -> str:
        """Read what follows an escape."""
        if raw.startswith(_TWO_BYTES_IN_G0):
            return (_ESCAPE + raw).decode("iso2022_jp_2", "replace")
        for code, codec in _ESCAPED.items():
            if raw.startswith(code):
                end = _DELIMITER.search(raw, len(code))
                stop = len(raw) if end is None else end.start()
                return raw[len(code) : stop].decode(codec, "replace") + self._plain(raw[stop:])
        return _UNREADABLE + self._plain(raw)


@lru_cache(maxsize=256)
def decoder(declared: bytes) -> Decoder:
    r"""Return what reads text of the Specific Character Set *declared*: its value as it came.

    Examples
    --------
    >>> decoder(b"ISO_IR 100").text(b"M\xfcller")
    'Müller'
    >>> decoder(rb"\ISO 2022 IR 87").text(b"Yamada^Tarou=\x1b$B;3ED\x1b(B^\x1b$BB@O:\x1b(B")
    'Yamada^Tarou=山田^太郎'
    """
    terms = [term.strip(" \0").upper() for term in declared.decode("ascii", "replace").split("\\")]
    for term in terms:
        codec = _WITHOUT_EXTENSIONS.get(term.replace("ISO IR", "ISO_IR").removeprefix("ISO 2022 "))
        if codec is not None:
            return Decoder(codec, escapes=False)
    number = _NUMBER.fullmatch(terms[0])
    return Decoder(_SINGLE_BYTE.get(number[1], "") if number else "")


def _not_of_two_bytes(text: str) -> str:
    """Return *text*, unreadable if it has two bytes a character and so is no Latin-1 (D25).

    No name of a language that is written in Latin-1 has components of accented letters alone.
    """
    parts = [part for part in _SEPARATOR.split(text) if not part.isascii()]
    if any(len(part) > 1 and all(char > "\x7f" for char in part) for part in parts):
        return "".join(char if char < "\x80" else _UNREADABLE for char in text)
    return text
