"""Command sets: Implicit VR Little Endian, group 0000 (PS3.7 6.3, E.1)."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import Final, TypeAlias

__all__ = [
    "Command",
    "Field",
    "Priority",
    "Status",
    "command_of",
    "has_data",
    "number",
    "text",
    "written",
]

Command: TypeAlias = Mapping[str, int | str]
"""Values by keyword. Group length is left out; Command Data Set Type is 0x0101 for no data."""


class Field:
    """Command Field (0000,0100)."""

    STORE: Final = 0x0001
    GET: Final = 0x0010
    FIND: Final = 0x0020
    MOVE: Final = 0x0021
    ECHO: Final = 0x0030
    CANCEL: Final = 0x0FFF
    RESPONSE: Final = 0x8000  # is added


class Status:
    """Of a response (PS3.7 annex C, PS3.4 C.4)."""

    SUCCESS: Final = 0x0000
    MISSING_ATTRIBUTE: Final = 0x0120
    NOT_SUPPORTED: Final = 0x0122
    UNRECOGNIZED: Final = 0x0211
    OUT_OF_RESOURCES: Final = 0xA700
    CANNOT_PERFORM: Final = 0xA702
    NO_DESTINATION: Final = 0xA801
    DOES_NOT_MATCH: Final = 0xA900
    SOME_FAILED: Final = 0xB000
    CANNOT_PROCESS: Final = 0xC000
    CANCELLED: Final = 0xFE00
    PENDING: Final = 0xFF00
    PENDING_WITH_UNSUPPORTED: Final = 0xFF01


class Priority:
    """Of a request (PS3.7 9.3)."""

    MEDIUM: Final = 0


_NO_DATA: Final = 0x0101
_ELEMENTS: Final[Mapping[str, tuple[int, str]]] = {
    "AffectedSOPClassUID": (0x0002, "UI"),
    "RequestedSOPClassUID": (0x0003, "UI"),
    "CommandField": (0x0100, "US"),
    "MessageID": (0x0110, "US"),
    "MessageIDBeingRespondedTo": (0x0120, "US"),
    "MoveDestination": (0x0600, "AE"),
    "Priority": (0x0700, "US"),
    "CommandDataSetType": (0x0800, "US"),
    "Status": (0x0900, "US"),
    "ErrorComment": (0x0902, "LO"),
    "AffectedSOPInstanceUID": (0x1000, "UI"),
    "NumberOfRemainingSuboperations": (0x1020, "US"),
    "NumberOfCompletedSuboperations": (0x1021, "US"),
    "NumberOfFailedSuboperations": (0x1022, "US"),
    "NumberOfWarningSuboperations": (0x1023, "US"),
    "MoveOriginatorApplicationEntityTitle": (0x1030, "AE"),
    "MoveOriginatorMessageID": (0x1031, "US"),
}
_KEYWORDS: Final = {element: (word, vr) for word, (element, vr) in _ELEMENTS.items()}


def written(command: Command, *, data: bool = False) -> bytes:
    """Return *command* as bytes, with group length, and whether *data* follow.

    Examples
    --------
    >>> len(written({"CommandField": Field.ECHO, "MessageID": 1}))
    42
    """
    values = {**command, "CommandDataSetType": 0x0001 if data else _NO_DATA}
    body = b"".join(_element(word, values[word]) for word in _ELEMENTS if word in values)
    return struct.pack("<HHII", 0, 0, 4, len(body)) + body


def command_of(content: bytes) -> dict[str, int | str]:
    """Return the command in *content*; what is not in PS3.7 E.1 is left out.

    Raises
    ------
    ValueError
        If it is none.

    Examples
    --------
    >>> command_of(written({"CommandField": Field.ECHO, "MessageID": 1}))
    {'CommandField': 48, 'MessageID': 1, 'CommandDataSetType': 257}
    """
    found: dict[str, int | str] = {}
    at = 0
    while at < len(content):
        try:
            group, element, length = struct.unpack_from("<HHI", content, at)
            value = content[at + 8 : at + 8 + length]
            if group or len(value) != length:
                raise ValueError("this is no command set")
            if element in _KEYWORDS:
                word, vr = _KEYWORDS[element]
                found[word] = struct.unpack("<H", value)[0] if vr == "US" else _text(value)
        except struct.error as error:
            raise ValueError("this is no command set") from error
        at += 8 + length
    return found


def has_data(command: Command) -> bool:
    """Say whether a data set follows."""
    return command.get("CommandDataSetType") != _NO_DATA


def number(command: Command, keyword: str) -> int:
    """Return a number, 0 if it is absent."""
    value = command.get(keyword, 0)
    return value if isinstance(value, int) else 0


def text(command: Command, keyword: str) -> str:
    """Return a text, ``""`` if it is absent."""
    return str(command.get(keyword, ""))


def _element(keyword: str, value: int | str) -> bytes:
    element, vr = _ELEMENTS[keyword]
    if isinstance(value, int):
        content = struct.pack("<H", value)
    else:
        content = value.encode("ascii", "replace")
        content += (b"\0" if vr == "UI" else b" ") * (len(content) % 2)
    return struct.pack("<HHI", 0, element, len(content)) + content


def _text(value: bytes) -> str:
    return value.decode("ascii", "replace").strip(" \0")
