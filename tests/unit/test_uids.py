"""Which texts may stand for a UID: odd ones may, dangerous ones may not."""

from __future__ import annotations

import unicodedata
from typing import Any

import pytest
from pydicom.uid import UID

from gurney.core import InvalidUIDError, check_uid, is_uid

KEPT = {
    "legal": "1.2.840.10008.5.1.4.1.1.2",
    "letters": "1.2.abc.DEF",
    "leading zero": "1.02.0003",
    "74 characters": "1." + "2" * 72,
    "a dot first": ".1.2",
    "a dot last": "1.2.",
    "two dots": "1..2",
    "one component": "1",
    "a dash": "4f1ad7a2-6e05-4bd7-9d0b-0a6bbd2f4e51",
    "an underscore": "1.2_3",
    "not ASCII": "1.2.é",
    "a colon": "urn:oid:1.2.3",
}
REFUSED = {
    "empty": "",
    "here": ".",
    "up": "..",
    "dots only": "....",
    "a way up": "1.2/../3",
    "slash": "1/2",
    "backslash": "1.2\\1.3",
    "question mark": "1.2.?",
    "fragment": "1.2#3",
    "percent": "1%2e2",
    "wildcard": "1.2.*",
    "space": "1.2 ",
    "tab": "\t1.2",
    "newline last": "1.2\n",
    "NUL": "1.2\0",
    "carriage return": "1.2\r\nHost: x",
    "no-break space": "1.2\xa0",
    "C1 control": "1.2\x85",
    "line separator": "1.2\u2028",
    "delete": "1.2\x7f",
}


@pytest.mark.parametrize("uid", KEPT.values(), ids=KEPT)
def test_odd_uids_are_kept_as_they_are(uid: str) -> None:
    """Real archives hold UIDs that break PS3.5 9.1; to change one is to lose the instance."""
    assert uid == check_uid(uid)
    assert is_uid(uid)


@pytest.mark.parametrize("uid", REFUSED.values(), ids=REFUSED)
def test_dangerous_uids_are_refused(uid: str) -> None:
    """What makes a path or a request mean something else never becomes a UID."""
    assert not is_uid(uid)
    with pytest.raises(InvalidUIDError):
        check_uid(uid)


@pytest.mark.parametrize("value", [None, 12, 1.2, b"1.2", ["1.2"], ("1.2",)])
def test_what_is_not_text_is_refused(value: Any) -> None:
    """A number may look like a UID when printed, and is not one."""
    with pytest.raises(InvalidUIDError, match=f"not {type(value).__name__}"):
        check_uid(value)


def test_message_says_which_uid_and_where() -> None:
    """A caller with three UIDs needs to know which is wrong."""
    with pytest.raises(InvalidUIDError, match=r"series UID holds '/' at position 3"):
        check_uid("1.2/3", "series UID")


def test_message_quotes_no_value() -> None:
    """A patient id given in place of a UID is not repeated."""
    with pytest.raises(InvalidUIDError) as caught:
        check_uid("DOE JANE 19600101")

    assert "DOE" not in str(caught.value)
    assert "1960" not in str(caught.value)


def test_uid_of_pydicom_becomes_plain_text() -> None:
    """A `pydicom.uid.UID` would drag pydicom into every pickle and cost its size."""
    uid = check_uid(UID("1.2.3"))

    assert "1.2.3" == uid
    assert str is type(uid)


def test_every_white_space_and_control_character_is_refused() -> None:
    """Nothing that Unicode calls white space or a control character passes."""
    characters = [chr(code) for code in range(0x3000)]
    bad = [c for c in characters if c.isspace() or unicodedata.category(c) == "Cc"]

    assert [] == [c for c in bad if is_uid(f"1.2{c}3")]
