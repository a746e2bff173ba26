"""From a question to the identifier of a C-FIND request (PS3.4 C.4.1.1.3). Pure.

Nothing is sent that its VR does not allow, no UID that is empty or holds a wildcard, and no
question without its level.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from functools import lru_cache
from typing import Final

from pydicom.datadict import tag_for_keyword

from ...core import DICOMObjectLevels, Query, QueryError, check_uid, level_of_keyword, texts
from ...searching import Question
from .charsets import CharacterSet
from .elements import LONG_VRS, vr_of
from .values import check_value

__all__ = ["check_query", "encoded", "level_name", "values_of"]

_LEVELS: Final = {
    DICOMObjectLevels.STUDY: "STUDY",
    DICOMObjectLevels.SERIES: "SERIES",
    DICOMObjectLevels.INSTANCE: "IMAGE",
}
_UIDS: Final = ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID")
_SHARED: Final = frozenset({"PatientID"})  # tells apart what two patients have in one study (Q33)
_LIST_VRS: Final = frozenset({"UI"})  # of which a key may be a list (PS3.4 C.2.2.2.2)


def level_name(level: DICOMObjectLevels) -> str:
    """Return what Query/Retrieve Level (0008,0052) calls a level."""
    return _LEVELS[level]


def check_query(query: Query) -> None:
    """See that all values of *query* may be sent; of several each is asked for by itself.

    Raises
    ------
    QueryError
        If not. It says what to do, and quotes no value.
    """
    identifier = query.identifier()
    for element in identifier:
        for value in texts(identifier, element.keyword):
            check_value(element.keyword, _vr(element.keyword), value)


def values_of(question: Question, *, relational: bool, patient_id: str = "") -> Mapping[str, str]:
    """Return the values that *question* sends, by keyword; those to be returned are empty.

    Parameters
    ----------
    question
        What to list.
    relational
        Whether keys of other levels may be sent too. If not, of the levels above only the unique
        keys are, with one value each (PS3.4 C.4.1.2.2.1).
    patient_id
        The unique key of the patient, if the information model begins there.

    Raises
    ------
    QueryError, InvalidUIDError
        If something must not be sent.

    Examples
    --------
    >>> question = Question(DICOMObjectLevels.SERIES, fields=("Modality",), above=("1.2",))
    >>> values_of(question, relational=False)
    {'Modality': '', 'SeriesInstanceUID': '', 'StudyInstanceUID': '1.2'}
    """
    level = question.level
    own = [name for name in question.fields if level_of_keyword(name) == level]
    fields = question.fields if relational else [*own, *_SHARED.intersection(question.fields)]
    values = dict.fromkeys([*fields, _UIDS[-1 - level]], "") | dict(question.keys)
    for keyword, value in question.keys.items():
        _check_key(keyword, value)
    for keyword, uid in zip(_UIDS, question.above, strict=False):
        values[keyword] = check_uid(uid, keyword)
    if patient_id:
        check_value("PatientID", "LO", patient_id)
        values["PatientID"] = patient_id
    return values


def _check_key(keyword: str, value: str) -> None:
    vr = _vr(keyword)
    values = value.split("\\")
    if len(values) > 1 and vr not in _LIST_VRS:
        raise QueryError(f"{keyword} takes one value in a C-FIND; search once for each")
    for each in values:
        check_value(keyword, vr, each)


def encoded(
    level: str, values: Mapping[str, str], charset: CharacterSet, *, implicit: bool
) -> bytes:
    r"""Return an identifier as it is sent.

    Parameters
    ----------
    level
        The Query/Retrieve Level (0008,0052).
    values
        By keyword.
    charset
        What they are written in. Specific Character Set (0008,0005) is sent if it has to be
        (PS3.4 C.4.1.1.3.1).
    implicit
        Whether in Implicit VR Little Endian; else in Explicit VR Little Endian.

    Examples
    --------
    >>> from .charsets import ASCII
    >>> encoded("STUDY", {"StudyInstanceUID": ""}, ASCII, implicit=True)
    b'\x08\x00R\x00\x06\x00\x00\x00STUDY  \x00\r\x00\x00\x00\x00\x00'
    """
    elements = {_tag(keyword): (_vr(keyword), value) for keyword, value in values.items()}
    elements[_tag("QueryRetrieveLevel")] = ("CS", level)
    if charset.term:
        elements[_tag("SpecificCharacterSet")] = ("CS", charset.term)
    return b"".join(
        _element(tag, vr, value.encode(charset.codec), implicit)
        for tag, (vr, value) in sorted(elements.items())
    )


def _element(tag: int, vr: str, value: bytes, implicit: bool) -> bytes:
    if len(value) % 2:
        value += b"\0" if vr == "UI" else b" "
    group, number = tag >> 16, tag & 0xFFFF
    if implicit:
        return struct.pack("<HHL", group, number, len(value)) + value
    written = vr.encode()
    if written in LONG_VRS:
        return struct.pack("<HH2sHL", group, number, written, 0, len(value)) + value
    return struct.pack("<HH2sH", group, number, written, len(value)) + value


@lru_cache(maxsize=4096)
def _tag(keyword: str) -> int:
    tag = tag_for_keyword(keyword)
    if tag is None:
        raise QueryError("a key, or a field, is no DICOM keyword")
    return tag


def _vr(keyword: str) -> str:
    return vr_of(_tag(keyword), b"")
