"""Text that evidently lost characters on its way, so that it proves nothing."""

from __future__ import annotations

import re
from typing import Final

__all__ = ["ESCAPE", "is_damaged", "without_escapes"]

ESCAPE: Final = "\x1b"
_ESCAPE_SEQUENCE: Final = re.compile("\x1b[ -/]*[0-~]")  # ISO 2022, PS3.5 6.1.2.5

# The replacement character, the escape of ISO 2022 undecoded, C1 controls, lone surrogates.
_MARKS: Final = re.compile("[\N{REPLACEMENT CHARACTER}\x1b\x80-\x9f\ud800-\udfff]")


def is_damaged(text: str, key_is_ascii: bool) -> bool:
    r"""Say whether *text* shows that it is not what was once stored.

    Damage is a mark of a failed decoding, UTF-8 read as Latin-1, nothing left but separators and
    question marks, or a question mark where the key would have characters beyond ASCII.

    Examples
    --------
    >>> is_damaged("???^??", True), is_damaged("M?ller", False), is_damaged("MÃ¼ller", False)
    (True, True, True)
    >>> is_damaged("Müller", False), is_damaged("Why?", True), is_damaged("", True)
    (False, False, False)
    """
    if "?" in text and not key_is_ascii:
        return True
    if text.isascii():
        return ESCAPE in text or (text != "" and not text.strip("^=? "))
    return _MARKS.search(text) is not None or _is_misread_utf8(text)


def without_escapes(text: str) -> str:
    """Return *text* without the escape sequences that a decoder left in it.

    pydicom 3.0 decodes ISO 2022 IR 58, a Chinese character set, but keeps them.
    """
    return _ESCAPE_SEQUENCE.sub("", text)


def _is_misread_utf8(text: str) -> bool:
    try:
        text.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return False
    return True
