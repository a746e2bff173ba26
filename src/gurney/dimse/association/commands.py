"""Command sets of DIMSE messages (PS3.7 6.3.1, E.1): group 0000 in Implicit VR Little Endian.

A codec of its own, because a C-GET of 5 000 small instances decodes and encodes 10 000 of them:
pynetdicom's way over data sets takes about a millisecond for each, this one some microseconds.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from typing import Final

import attrs

from ...core import InvalidInputError

__all__ = [
    "C_CANCEL_RQ",
    "C_ECHO_RQ",
    "C_ECHO_RSP",
    "C_FIND_RQ",
    "C_FIND_RSP",
    "C_GET_RQ",
    "C_GET_RSP",
    "C_MOVE_RQ",
    "C_MOVE_RSP",
    "C_STORE_RQ",
    "C_STORE_RSP",
    "Command",
    "LONGEST_COMMAND",
    "PENDING",
    "SUCCESS",
    "c_cancel_rq",
    "c_echo_rq",
    "c_find_rq",
    "c_get_rq",
    "c_move_rq",
    "c_store_rq",
    "response_to",
]

C_STORE_RQ: Final = 0x0001
C_GET_RQ: Final = 0x0010
C_FIND_RQ: Final = 0x0020
C_MOVE_RQ: Final = 0x0021
C_ECHO_RQ: Final = 0x0030
C_CANCEL_RQ: Final = 0x0FFF
_RESPONSE: Final = 0x8000  # the bit that a response adds to its request's field
C_STORE_RSP: Final = C_STORE_RQ | _RESPONSE
C_GET_RSP: Final = C_GET_RQ | _RESPONSE
C_FIND_RSP: Final = C_FIND_RQ | _RESPONSE
C_MOVE_RSP: Final = C_MOVE_RQ | _RESPONSE
C_ECHO_RSP: Final = C_ECHO_RQ | _RESPONSE

SUCCESS: Final = 0x0000
PENDING: Final = frozenset({0xFF00, 0xFF01})

LONGEST_COMMAND: Final = 1 << 14
"""Bytes of a command set that are taken; real ones have about 200."""

_NAMES: Final = {
    C_STORE_RQ: "C-STORE",
    C_GET_RQ: "C-GET",
    C_FIND_RQ: "C-FIND",
    C_MOVE_RQ: "C-MOVE",
    C_ECHO_RQ: "C-ECHO",
    C_CANCEL_RQ: "C-CANCEL",
}
_MEDIUM: Final = 0x0000
_NO_DATA: Final = 0x0101
_DATA: Final = 0x0001

_GROUP_LENGTH: Final = 0x0000
_SOP_CLASS: Final = 0x0002
_FIELD: Final = 0x0100
_MESSAGE_ID: Final = 0x0110
_RESPONDS_TO: Final = 0x0120
_DESTINATION: Final = 0x0600
_PRIORITY: Final = 0x0700
_DATA_SET_TYPE: Final = 0x0800
_STATUS: Final = 0x0900
_COMMENT: Final = 0x0902
_SOP_INSTANCE: Final = 0x1000
_REMAINING: Final = 0x1020
_COMPLETED: Final = 0x1021
_FAILED: Final = 0x1022
_WARNINGS: Final = 0x1023
_ORIGINATOR: Final = 0x1030
_ORIGINATOR_ID: Final = 0x1031

_HEAD: Final = struct.Struct("<HHI")  # group, element, length
_US: Final = struct.Struct("<H")


@attrs.frozen(repr=False)
class Command:
    """A command set: its elements by number, as bytes, and what they mean.

    What is absent, or empty, is `None` for a number (D16) and ``""`` for a text.

    Attributes
    ----------
    elements
        Values by element number of group 0000, without the group length. They are not shown in
        the repr: a comment of the archive may name a patient.
    """

    elements: Mapping[int, bytes]

    @classmethod
    def decode(cls, encoded: bytes) -> Command:
        """Read a command set.

        Raises
        ------
        ValueError
            If it is none: an element reaches beyond the end, or there is no command field.
        """
        elements: dict[int, bytes] = {}
        at, end, unpack = 0, len(encoded), _HEAD.unpack_from
        while at < end:
            if end - at < _HEAD.size:
                raise ValueError("a command set ends inside an element")
            group, element, length = unpack(encoded, at)
            at += _HEAD.size + length
            if at > end:
                raise ValueError("a command set ends inside a value")
            if group == 0:  # DCMTK appends the list of what has failed, of group 0008
                elements[element] = encoded[at - length : at]
        if not elements.get(_FIELD):
            raise ValueError("a command set without command field")
        return cls(elements)

    def encode(self) -> bytes:
        """Return it as it is sent, with its group length."""
        body = b"".join(
            _HEAD.pack(0, element, len(value)) + value
            for element, value in sorted(self.elements.items())
            if element != _GROUP_LENGTH
        )
        return _HEAD.pack(0, _GROUP_LENGTH, 4) + len(body).to_bytes(4, "little") + body

    @property
    def field(self) -> int:
        """Which command it is, e.g. `C_STORE_RQ`."""
        return self._number(_FIELD) or 0

    @property
    def is_response(self) -> bool:
        """Whether it answers another command."""
        return bool(self.field & _RESPONSE)

    @property
    def name(self) -> str:
        """What errors call it: ``"C-STORE"`` for the request and for its response."""
        return _NAMES.get(self.field & ~_RESPONSE, f"command 0x{self.field:04X}")

    @property
    def message_id(self) -> int | None:
        """The number that a request gives itself."""
        return self._number(_MESSAGE_ID)

    @property
    def responds_to(self) -> int | None:
        """The number of the request that a response answers, or that is to be cancelled."""
        return self._number(_RESPONDS_TO)

    @property
    def sop_class_uid(self) -> str:
        """The SOP class that is affected."""
        return self._text(_SOP_CLASS)

    @property
    def sop_instance_uid(self) -> str:
        """The SOP instance that is affected."""
        return self._text(_SOP_INSTANCE)

    @property
    def status(self) -> int | None:
        """The status of a response."""
        return self._number(_STATUS)

    @property
    def is_pending(self) -> bool:
        """Whether more responses follow."""
        return self._number(_STATUS) in PENDING

    @property
    def has_data(self) -> bool:
        """Whether a data set follows."""
        return self._number(_DATA_SET_TYPE) not in (_NO_DATA, None)

    @property
    def priority(self) -> int | None:
        """0 is medium, 1 high, 2 low."""
        return self._number(_PRIORITY)

    @property
    def remaining(self) -> int | None:
        """Sub-operations still to do."""
        return self._number(_REMAINING)

    @property
    def completed(self) -> int | None:
        """Sub-operations that are said to have gone well."""
        return self._number(_COMPLETED)

    @property
    def failed(self) -> int | None:
        """Sub-operations that have failed."""
        return self._number(_FAILED)

    @property
    def warnings(self) -> int | None:
        """Sub-operations that ended with a warning."""
        return self._number(_WARNINGS)

    @property
    def move_destination(self) -> str:
        """The AE title to which a C-MOVE sends."""
        return self._text(_DESTINATION)

    @property
    def originator(self) -> str:
        """The AE title that asked for the C-MOVE of which this C-STORE is a part."""
        return self._text(_ORIGINATOR)

    @property
    def originator_id(self) -> int | None:
        """The message id of the C-MOVE of which this C-STORE is a part."""
        return self._number(_ORIGINATOR_ID)

    @property
    def comment(self) -> str:
        """What the other side says about an error. It may name a patient: never show or log it."""
        return self._text(_COMMENT)

    def _number(self, element: int) -> int | None:
        value = self.elements.get(element)
        return int.from_bytes(value[:2], "little") if value else None

    def _text(self, element: int) -> str:
        return self.elements.get(element, b"").decode("latin-1").strip(" \0")

    def __repr__(self) -> str:
        kind = "RSP" if self.is_response else "RQ"
        status = "" if self.status is None else f", status 0x{self.status:04X}"
        return f"<{self.name}-{kind}{status}>"


def c_echo_rq(message_id: int, sop_class_uid: str) -> Command:
    """Ask whether the other side is there."""
    return _request(C_ECHO_RQ, message_id, sop_class_uid, {_DATA_SET_TYPE: _us(_NO_DATA)})


def c_find_rq(message_id: int, sop_class_uid: str, *, priority: int = _MEDIUM) -> Command:
    """Search; the identifier follows as data set."""
    return _request(C_FIND_RQ, message_id, sop_class_uid, _with_data(priority))


def c_get_rq(message_id: int, sop_class_uid: str, *, priority: int = _MEDIUM) -> Command:
    """Have instances sent over this association; the identifier follows as data set."""
    return _request(C_GET_RQ, message_id, sop_class_uid, _with_data(priority))


def c_move_rq(
    message_id: int, sop_class_uid: str, destination: str, *, priority: int = _MEDIUM
) -> Command:
    """Have instances sent to the AE title *destination*; the identifier follows as data set."""
    elements = _with_data(priority) | {_DESTINATION: _even(destination, b" ")}
    return _request(C_MOVE_RQ, message_id, sop_class_uid, elements)


def c_store_rq(
    message_id: int,
    sop_class_uid: str,
    sop_instance_uid: str,
    *,
    priority: int = _MEDIUM,
    originator: str = "",
    originator_id: int | None = None,
) -> Command:
    """Send an instance, which follows as data set."""
    elements = _with_data(priority) | {_SOP_INSTANCE: _even(sop_instance_uid, b"\0")}
    if originator:
        elements[_ORIGINATOR] = _even(originator, b" ")
    if originator_id is not None:
        elements[_ORIGINATOR_ID] = _us(originator_id)
    return _request(C_STORE_RQ, message_id, sop_class_uid, elements)


def c_cancel_rq(message_id: int) -> Command:
    """Give up the request of that number; its final response is still to come."""
    return Command(
        {
            _FIELD: _us(C_CANCEL_RQ),
            _RESPONDS_TO: _us(message_id),
            _DATA_SET_TYPE: _us(_NO_DATA),
        }
    )


def response_to(command: Command, status: int, *, has_data: bool = False) -> Command:
    """Answer a request."""
    if command.message_id is None:
        raise InvalidInputError("a request without message id cannot be answered")
    elements = {
        _FIELD: _us(command.field | _RESPONSE),
        _RESPONDS_TO: _us(command.message_id),
        _DATA_SET_TYPE: _us(_DATA if has_data else _NO_DATA),
        _STATUS: _us(status),
    }
    for element in (_SOP_CLASS, _SOP_INSTANCE):
        if value := command.elements.get(element):
            elements[element] = value
    return Command(elements)


def _request(
    field: int, message_id: int, sop_class_uid: str, elements: dict[int, bytes]
) -> Command:
    return Command(
        {
            _SOP_CLASS: _even(sop_class_uid, b"\0"),
            _FIELD: _us(field),
            _MESSAGE_ID: _us(message_id),
            **elements,
        }
    )


def _with_data(priority: int) -> dict[int, bytes]:
    return {_PRIORITY: _us(priority), _DATA_SET_TYPE: _us(_DATA)}


def _us(number: int) -> bytes:
    return _US.pack(number)


def _even(text: str, padding: bytes) -> bytes:
    value = text.encode("ascii")
    return value + padding if len(value) % 2 else value
