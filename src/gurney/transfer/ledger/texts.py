"""Texts that recur, each kept once: reasons, transfer syntaxes, notes."""

from __future__ import annotations

import json
import sqlite3
from typing import Final

__all__ = ["Texts", "encodable", "several"]

_MOST: Final = 10_000  # texts remembered


class Texts:
    """The table ``text`` of a ledger. The empty text is `None`."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection: sqlite3.Connection = connection
        self._numbers: dict[str, int] = {}
        self._values: dict[int, str] = {}

    def forget(self) -> None:
        """Forget what was remembered: a transaction that wrote some of it was undone."""
        self._numbers.clear()
        self._values.clear()

    def number(self, value: str) -> int | None:
        """Return the number of *value*, which is kept from now on."""
        if not value:
            return None
        found = self._numbers.get(value)
        if found is None:
            found = self._look_up(value)
            if len(self._numbers) >= _MOST:
                self._numbers.clear()
            self._numbers[value] = found
        return found

    def value(self, number: int | None) -> str:
        """Return the text of *number*."""
        if number is None:
            return ""
        found = self._values.get(number)
        if found is None:
            asked = "SELECT value FROM text WHERE id = ?"
            (found,) = self._connection.execute(asked, (number,)).fetchone()
            if len(self._values) >= _MOST:
                self._values.clear()
            self._values[number] = found
        return found

    def _look_up(self, value: str) -> int:
        kept = (encodable(value),)
        found = self._connection.execute("SELECT id FROM text WHERE value = ?", kept).fetchone()
        if found:
            return int(found[0])
        made = self._connection.execute("INSERT INTO text (value) VALUES (?)", kept).lastrowid
        assert made is not None
        return made


def encodable(text: str) -> str:
    """Return *text* as a database takes it: what is no character becomes an escape."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def several(text: str) -> tuple[str, ...]:
    """Return the texts that *text* holds as a JSON array."""
    found: list[str] = json.loads(text)
    return tuple(found)
