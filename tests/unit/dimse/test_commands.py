"""Command sets: read and written as PS3.7 E.1 says, and as pynetdicom does."""

from __future__ import annotations

import struct
from io import BytesIO
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom.dataset import Dataset
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_dataset
from pynetdicom import dimse_messages, dimse_primitives
from pynetdicom.dsutils import decode as decode_dataset

from gurney.core import InvalidInputError
from gurney.dimse.association import Command
from gurney.dimse.association import commands as c

CT = "1.2.840.10008.5.1.4.1.1.2"
uids = st.from_regex(r"[1-9][0-9]{0,8}(\.[1-9][0-9]{0,8}){1,5}", fullmatch=True)
titles = st.from_regex(r"[A-Z]{1,16}", fullmatch=True)
ids = st.integers(1, 0xFFFF)


def _as_they_read(command: Command) -> Dataset:
    """Return what pynetdicom reads."""
    return decode_dataset(BytesIO(command.encode()), True, True)


def _as_they_write(primitive: Any, message: Any) -> bytes:
    """Return what pynetdicom writes."""
    message.primitive_to_message(primitive)
    written = DicomBytesIO()
    written.is_little_endian, written.is_implicit_VR = True, True
    write_dataset(written, message.command_set)
    return written.getvalue()


@given(ids, uids, uids, titles, ids)
def test_a_store_request_is_read_as_it_was_written(
    number: int, sop_class: str, instance: str, originator: str, originator_id: int
) -> None:
    """Our bytes and pynetdicom's say the same to us."""
    ours = c.c_store_rq(
        number, sop_class, instance, originator=originator, originator_id=originator_id
    )
    theirs = dimse_primitives.C_STORE()
    theirs.MessageID = number
    theirs.AffectedSOPClassUID = sop_class
    theirs.AffectedSOPInstanceUID = instance
    theirs.Priority = 0
    theirs.MoveOriginatorApplicationEntityTitle = originator
    theirs.MoveOriginatorMessageID = originator_id
    theirs.DataSet = BytesIO(b"\0\0")
    written = _as_they_write(theirs, dimse_messages.C_STORE_RQ())

    for command in (Command.decode(ours.encode()), Command.decode(written)):
        assert c.C_STORE_RQ == command.field
        assert (number, sop_class, instance) == (
            command.message_id,
            command.sop_class_uid,
            command.sop_instance_uid,
        )
        assert (originator, originator_id) == (command.originator, command.originator_id)
        assert (0, True, False) == (command.priority, command.has_data, command.is_response)


def test_requests_are_read_by_others() -> None:
    """Each with what its service needs (PS3.7 9.3)."""
    find = _as_they_read(c.c_find_rq(7, "1.2.3"))
    get = _as_they_read(c.c_get_rq(8, "1.2.3"))
    move = _as_they_read(c.c_move_rq(9, "1.2.3", "RECEIVER"))
    cancel = _as_they_read(c.c_cancel_rq(9))
    echo = _as_they_read(c.c_echo_rq(10, "1.2.840.10008.1.1"))

    assert [0x20, 0x10, 0x21, 0xFFF, 0x30] == [
        one.CommandField for one in (find, get, move, cancel, echo)
    ]
    assert [7, 8, 9, 10] == [one.MessageID for one in (find, get, move, echo)]
    assert [1, 1, 1] == [one.CommandDataSetType for one in (find, get, move)]
    assert [0x101, 0x101] == [one.CommandDataSetType for one in (cancel, echo)]
    assert "RECEIVER" == move.MoveDestination
    assert 9 == cancel.MessageIDBeingRespondedTo
    assert "MessageID" not in cancel
    assert "1.2.3" == find.AffectedSOPClassUID


def test_the_group_length_is_right() -> None:
    """It counts what follows it (PS3.7 E.1), and all elements have an even length, in order."""
    command = c.c_store_rq(1, "1.2.3", "1.2.34", originator="ABC")
    encoded = command.encode()
    read = _as_they_read(command)

    assert len(encoded) - 12 == read.CommandGroupLength
    tags = [element.tag for element in read]
    assert tags == sorted(tags)
    assert {0} == {len(value) % 2 for value in command.elements.values()}


def test_a_response_repeats_what_the_request_was_about() -> None:
    """Its number, its class, its instance."""
    request = c.c_store_rq(300, CT, "1.2.3.4")
    response = c.response_to(request, 0xA700)
    theirs = _as_they_read(response)

    assert c.C_STORE_RSP == response.field == theirs.CommandField
    assert 300 == response.responds_to == theirs.MessageIDBeingRespondedTo
    assert 0xA700 == response.status == theirs.Status
    assert CT == response.sop_class_uid == theirs.AffectedSOPClassUID
    assert "1.2.3.4" == response.sop_instance_uid == theirs.AffectedSOPInstanceUID
    assert not response.has_data
    assert response.is_response


def test_a_request_without_number_is_not_answered() -> None:
    """There is nothing to say which one is answered."""
    with pytest.raises(InvalidInputError):
        c.response_to(c.c_cancel_rq(1), 0)


def test_counts_are_absent_where_they_are_absent() -> None:
    """D16: absent and empty are not zero."""
    final = Command({0x0100: b"\x10\x80", 0x0900: b"\0\0", 0x1020: b"", 0x1021: b"\0\0"})

    assert (None, 0, None, None) == (
        final.remaining,
        final.completed,
        final.failed,
        final.warnings,
    )
    assert (0, False, False) == (final.status, final.is_pending, final.has_data)


def test_nothing_of_a_comment_is_shown() -> None:
    """An archive may put a patient into it."""
    command = Command({0x0100: b"\x20\x80", 0x0900: b"\0\xa7", 0x0902: b"DOE^JOHN"})

    assert "DOE^JOHN" == command.comment
    assert "DOE" not in repr(command)
    assert "<C-FIND-RSP, status 0xA700>" == repr(command)


@pytest.mark.parametrize(
    "encoded",
    [
        b"",
        b"\0\0\0\1",  # ends inside a head
        struct.pack("<HHI", 0, 0x0100, 2) + b"\1",  # ends inside a value
        struct.pack("<HHI", 8, 0x0100, 2) + b"\1\0",  # another group
        struct.pack("<HHI", 0, 0x0110, 2) + b"\1\0",  # no command field
        struct.pack("<HHI", 0, 0x0100, 0),  # an empty one
        struct.pack("<HHI", 0, 0x0100, 0xFFFFFFFF) + b"\1\0",
    ],
)
def test_what_is_no_command_set_is_refused(encoded: bytes) -> None:
    """Before anything is believed of it."""
    with pytest.raises(ValueError, match="command set"):
        Command.decode(encoded)


def test_elements_of_other_groups_are_passed_over() -> None:
    """DCMTK's responses to C-GET and C-MOVE carry the list of failed instances like that."""
    failed = struct.pack("<HHI", 8, 0x0058, 4) + b"1.2\0"
    plain = c.response_to(c.c_get_rq(7, CT), 0xB000)

    assert plain.elements == {
        element: value
        for element, value in Command.decode(plain.encode() + failed).elements.items()
        if element
    }


@given(st.binary(max_size=200))
def test_any_bytes_are_a_command_set_or_none(encoded: bytes) -> None:
    """Nothing else is raised, and what was read can be looked at."""
    try:
        command = Command.decode(encoded)
    except ValueError:
        return

    assert command == Command.decode(command.encode()) or 0 in command.elements
    for name in ("field", "status", "comment", "originator", "name", "has_data", "remaining"):
        getattr(command, name)
    repr(command)


@given(st.dictionaries(st.integers(1, 0xFFFF), st.binary(max_size=20).map(lambda b: b * 2)))
def test_elements_survive(elements: dict[int, bytes]) -> None:
    """Known or not, whatever their order."""
    command = Command({0x0100: b"\1\0", **elements})

    if command.elements[0x0100]:
        decoded = Command.decode(command.encode())
        assert command.elements == {k: v for k, v in decoded.elements.items() if k != 0}
