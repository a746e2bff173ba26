"""What is asked for in a C-GET or C-MOVE: the level and the unique keys, and nothing else.

This is the one place where an identifier of a retrieval is made. An empty UID in one has some
archives send everything they hold (D09), and a wildcard may have: no reference can hold either,
and here it is looked at once more.
"""

from __future__ import annotations

from typing import Final

from ...core import DICOMObjectLevels, InvalidInputError, InvalidUIDError, check_uid
from ...retrieving import Wanted
from ..find.charsets import ASCII
from ..find.identifiers import encoded

__all__ = ["identifier_of"]

_LEVELS: Final = {
    DICOMObjectLevels.STUDY: "STUDY",
    DICOMObjectLevels.SERIES: "SERIES",
    DICOMObjectLevels.INSTANCE: "IMAGE",
}
_KEYS: Final = ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID")


def identifier_of(wanted: Wanted, *, implicit: bool) -> bytes:
    """Return the identifier that asks for *wanted*, in Implicit or Explicit VR Little Endian.

    Raises
    ------
    InvalidInputError
        If a UID is empty, or holds what an archive would take for a wildcard or for a list.

    References
    ----------
    DICOM PS3.4 C.4.2.1.4 and C.4.3.1.3, Identifier.

    Examples
    --------
    >>> from gurney.core import StudyReference
    >>> identifier_of(Wanted(StudyReference("1.2")), implicit=True)[8:14]
    b'STUDY '
    """
    uids = [_checked(uid) for uid in wanted.reference.uids]
    level = wanted.reference.level
    if wanted.by_list:
        level = DICOMObjectLevels.INSTANCE
        listed = [_checked(ref.instance_uid) for ref in (wanted.expected or {}).values()]
        uids.append("\\".join(listed))
    if not all(uids):
        raise InvalidInputError(f"{wanted.reference}: a list of instances to ask for is empty")
    return encoded(_LEVELS[level], dict(zip(_KEYS, uids, strict=False)), ASCII, implicit=implicit)


def _checked(uid: str) -> str:
    if not check_uid(uid).isascii():
        raise InvalidUIDError(f"UID {uid!r} cannot be sent: it is not ASCII")
    return uid
