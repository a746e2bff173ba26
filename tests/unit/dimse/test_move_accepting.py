"""Which presentation contexts the receiver of a C-MOVE accepts."""

from __future__ import annotations

import pytest
from pynetdicom import AllStoragePresentationContexts

from gurney.dimse.association import Offered
from gurney.dimse.move.accepting import is_mixed, transfer_syntax_for

EXPLICIT = "1.2.840.10008.1.2.1"
JPEG = "1.2.840.10008.1.2.4.50"


@pytest.mark.parametrize(
    "uid", sorted(str(each.abstract_syntax) for each in AllStoragePresentationContexts)
)
def test_all_storage_classes_are_accepted(uid: str) -> None:
    """Whatever pynetdicom knows to be stored is accepted."""
    assert EXPLICIT == transfer_syntax_for(Offered(1, uid, (EXPLICIT,)))


@pytest.mark.parametrize(
    "uid",
    [
        "1.2.840.10008.1.1",  # Verification
        "1.2.840.10008.5.1.4.1.1.501.3",  # another standard's
        "1.2.840.10008.5.1.4.1.1.999",  # next year's
        "1.3.12.2.1107.5.9.1",  # private
    ],
)
def test_others_are_accepted_too(uid: str) -> None:
    """C-ECHO, and classes that nobody here knows."""
    assert EXPLICIT == transfer_syntax_for(Offered(1, uid, (EXPLICIT,)))


@pytest.mark.parametrize(
    "uid",
    [
        "1.2.840.10008.5.1.4.1.2.2.1",  # Study Root, FIND
        "1.2.840.10008.5.1.4.1.2.2.2",  # MOVE
        "1.2.840.10008.5.1.4.31",  # Modality Worklist
        "1.2.840.10008.1.20.1",  # Storage Commitment
        "1.2.840.10008.3.1.2.3.3",  # Modality Performed Procedure Step
        "1.2.840.10008.5.1.1.9",  # Basic Grayscale Print Management
    ],
)
def test_other_services_are_not_accepted(uid: str) -> None:
    """The receiver is no archive: it answers no queries and prints nothing."""
    assert transfer_syntax_for(Offered(1, uid, (EXPLICIT,))) is None


def test_the_first_transfer_syntax_is_accepted() -> None:
    """Archives name that first in which they hold what they send."""
    uid = "1.2.840.10008.5.1.4.1.1.2"

    assert JPEG == transfer_syntax_for(Offered(1, uid, (JPEG, EXPLICIT)))
    assert EXPLICIT == transfer_syntax_for(Offered(3, uid, (EXPLICIT, JPEG)))


def test_the_other_kind_is_accepted_after_a_failure() -> None:
    """Where an archive offers both kinds and cannot convert, the other one is tried."""
    uid = "1.2.840.10008.5.1.4.1.1.2"
    packed, native = Offered(1, uid, (JPEG, EXPLICIT)), Offered(3, uid, (EXPLICIT, JPEG))

    assert EXPLICIT == transfer_syntax_for(packed, other=True)
    assert JPEG == transfer_syntax_for(native, other=True)
    assert JPEG == transfer_syntax_for(Offered(5, uid, (JPEG,)), other=True)
    assert [True, True, False] == [
        is_mixed(each) for each in (packed, native, Offered(5, uid, (JPEG,)))
    ]
