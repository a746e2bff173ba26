"""Hypothesis strategies for what gurney exchanges: UIDs, references, trees, data sets, queries.

Made values are legal DICOM unless a strategy says otherwise, and small, so that a failing example
can be read.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any, Final, TypeVar, overload

import attrs
from hypothesis import strategies as st
from pydicom.dataset import Dataset
from pydicom.uid import CTImageStorage, MRImageStorage, SecondaryCaptureImageStorage

from gurney.core import (
    DICOMObjectLevels,
    DICOMObjectReference,
    Instance,
    InstanceReference,
    Query,
    QueryLevels,
    Series,
    SeriesReference,
    Study,
    StudyReference,
)
from gurney.core.values import put

__all__ = [
    "datasets",
    "dates",
    "instance_references",
    "instances",
    "modalities",
    "odd_uids",
    "patient_names",
    "queries",
    "references",
    "series",
    "series_references",
    "studies",
    "study_references",
    "texts",
    "uids",
]

_Query = TypeVar("_Query", bound=Query)
_Object = TypeVar("_Object", Series, Instance)

_LETTERS: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_WRITTEN: Final = _LETTERS + "0123456789 .,'-_()ÄßÉñøΩЖ山田太郎홍길동ﾔﾏﾀﾞ"
_MODALITIES: Final = ("CT", "MR", "US", "CR", "DX", "PT", "NM", "SR", "SEG", "RTSTRUCT", "OT")
_SOP_CLASSES: Final = (CTImageStorage, MRImageStorage, SecondaryCaptureImageStorage)


def uids() -> st.SearchStrategy[str]:
    """Make UIDs as PS3.5 9.1 wants them, derived from UUIDs (B.2)."""
    return st.integers(0, 2**128 - 1).map("2.25.{}".format)


def odd_uids() -> st.SearchStrategy[str]:
    """Make what stands for a UID in real archives, and in gurney, against PS3.5 9.1.

    Letters, leading zeros, more than 64 characters.
    """
    characters = st.characters(exclude_categories=("C", "Z"), exclude_characters=r"/\?#%*")
    text = st.text(characters, min_size=1, max_size=80)
    return text.filter(lambda uid: uid.strip(".") != "")


def study_references() -> st.SearchStrategy[StudyReference]:
    """Make references to studies."""
    return st.builds(StudyReference, uids())


def series_references() -> st.SearchStrategy[SeriesReference]:
    """Make references to series."""
    return st.builds(SeriesReference, uids(), uids())


def instance_references() -> st.SearchStrategy[InstanceReference]:
    """Make references to instances."""
    return st.builds(InstanceReference, uids(), uids(), uids())


def references() -> st.SearchStrategy[DICOMObjectReference]:
    """Make references of any level."""
    return st.one_of(study_references(), series_references(), instance_references())


def instances(*, with_data: bool = False) -> st.SearchStrategy[Instance]:
    """Make instances that are part of nothing yet; those *with_data* have a data set or none."""
    return st.builds(Instance, uids(), _data(DICOMObjectLevels.INSTANCE, with_data))


def series(
    depth: DICOMObjectLevels | None = None, *, max_size: int = 3, with_data: bool = False
) -> st.SearchStrategy[Series]:
    """Make series that are part of nothing yet.

    Parameters
    ----------
    depth
        ``INSTANCE``: with at least one instance. ``SERIES``: with none. `None`: either.
    max_size
        Instances at most.
    with_data
        Whether objects may have a data set.
    """
    data = _data(DICOMObjectLevels.SERIES, with_data)
    if depth is DICOMObjectLevels.SERIES:
        return st.builds(Series, uids(), data)
    children = instances(with_data=with_data)
    return st.builds(Series, uids(), data, _children(children, depth, max_size))


def studies(
    depth: DICOMObjectLevels | None = None, *, max_size: int = 3, with_data: bool = False
) -> st.SearchStrategy[Study]:
    """Make studies.

    Parameters
    ----------
    depth
        The level that every branch reaches, as a search at that level would fill it. `None`:
        each branch ends where it likes.
    max_size
        Series at most, and instances in each at most.
    with_data
        Whether objects may have a data set.
    """
    data = _data(DICOMObjectLevels.STUDY, with_data)
    if depth is DICOMObjectLevels.STUDY:
        return st.builds(Study, uids(), data)
    children = series(depth, max_size=max_size, with_data=with_data)
    return st.builds(Study, uids(), data, _children(children, depth, max_size))


def _data(level: DICOMObjectLevels, with_data: bool) -> st.SearchStrategy[Dataset | None]:
    return st.none() | datasets(level) if with_data else st.none()


def _children(
    children: st.SearchStrategy[_Object], depth: DICOMObjectLevels | None, max_size: int
) -> st.SearchStrategy[list[_Object]]:
    needed = 0 if depth is None else 1
    return st.lists(children, min_size=needed, max_size=max_size, unique_by=lambda child: child.uid)


def dates() -> st.SearchStrategy[date]:
    """Make days that a study may have been made on, or a patient born."""
    return st.dates(date(1900, 1, 1), date(2099, 12, 31))


def texts(max_size: int = 12) -> st.SearchStrategy[str]:
    """Make text as people write it into descriptions and ids: one value, without padding."""
    return st.text(_WRITTEN, min_size=1, max_size=max_size).map(str.strip).filter(bool)


def modalities() -> st.SearchStrategy[str]:
    """Make values of Modality (0008,0060)."""
    return st.sampled_from(_MODALITIES)


def patient_names() -> st.SearchStrategy[str]:
    """Make person names of one to three components (PS3.5 6.2.1)."""
    return st.lists(texts(8), min_size=1, max_size=3).map("^".join)


def _da(day: date) -> str:
    return day.isoformat().replace("-", "")


_UIDS: Final[tuple[str, ...]] = ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID")
_STUDY: Final[dict[str, st.SearchStrategy[str]]] = {
    "PatientName": patient_names(),
    "PatientID": texts(),
    "PatientBirthDate": dates().map(_da),
    "PatientSex": st.sampled_from(["F", "M", "O"]),
    "AccessionNumber": texts(),
    "StudyDate": dates().map(_da),
    "StudyDescription": texts(),
}
_SERIES: Final[dict[str, st.SearchStrategy[str]]] = {
    "Modality": modalities(),
    "SeriesDescription": texts(),
    "SeriesNumber": st.integers(0, 9999).map(str),
    "InstitutionName": texts(),
}
_INSTANCE: Final[dict[str, st.SearchStrategy[str]]] = {
    "SOPClassUID": st.sampled_from(_SOP_CLASSES).map(str),
    "InstanceNumber": st.integers(0, 9999).map(str),
    "ContentDate": dates().map(_da),
}


def datasets(
    level: DICOMObjectLevels = DICOMObjectLevels.INSTANCE, *, uid_of: Sequence[str] = ()
) -> st.SearchStrategy[Dataset]:
    """Make flat data sets about one object of *level*, as an archive returns them.

    UIDs from the study down to *level* are always there, other attributes of these levels may be
    absent. Text is in UTF-8. One of ``INSTANCE`` level can be encoded as a DICOM file.

    Parameters
    ----------
    level
        Of the object that the data set is about.
    uid_of
        UIDs from the study downwards, for data sets of one tree. Those left out are made.
    """
    keywords = _UIDS[: len(_UIDS) - level]
    required: dict[str, st.SearchStrategy[str]] = dict.fromkeys(keywords, uids())
    required |= {name: st.just(uid) for name, uid in zip(keywords, uid_of, strict=False)}
    optional = dict(_STUDY)
    if level <= DICOMObjectLevels.SERIES:
        optional |= _SERIES
    if level <= DICOMObjectLevels.INSTANCE:
        optional |= _INSTANCE
        required["SOPClassUID"] = optional.pop("SOPClassUID")
    return st.fixed_dictionaries(required, optional=optional).map(_dataset)


def _dataset(values: dict[str, str]) -> Dataset:
    dataset = Dataset()
    for keyword, value in {"SpecificCharacterSet": "ISO_IR 192", **values}.items():
        put(dataset, keyword, [value])
    return dataset


@overload
def queries() -> st.SearchStrategy[Query]: ...
@overload
def queries(kind: type[_Query]) -> st.SearchStrategy[_Query]: ...
def queries(kind: type[Query] = Query) -> st.SearchStrategy[Query]:
    """Make queries of class *kind*: any of the parameters that `ExtendedQuery` has, or none.

    Parameters that only *kind* has keep their defaults.
    """
    known = attrs.fields_dict(kind)
    optional = {name: values for name, values in _PARAMETERS.items() if name in known}
    return st.fixed_dictionaries({}, optional=optional).filter(_in_order).map(kind.from_mapping)


def _in_order(values: dict[str, Any]) -> bool:
    first, last = values.get("min_study_date"), values.get("max_study_date")
    return first is None or last is None or first <= last


def _birth_dates() -> st.SearchStrategy[str]:
    """A day, or a range of days of which either end may be left out."""
    ends = st.lists(dates(), min_size=2, max_size=2).map(sorted)
    day = dates().map(_da)
    both = ends.map(lambda days: "-".join(_da(day) for day in days))
    return st.one_of(day, day.map(lambda da: f"{da}-"), day.map(lambda da: f"-{da}"), both)


def _wildcards() -> st.SearchStrategy[str]:
    return st.one_of(texts(), texts().map(lambda text: f"{text}*"), texts().map("?{}".format))


_PARAMETERS: Final[dict[str, st.SearchStrategy[Any]]] = {
    "StudyInstanceUID": uids() | st.lists(uids(), min_size=1, max_size=3),
    "AccessionNumber": _wildcards(),
    "PatientName": patient_names() | _wildcards(),
    "PatientID": _wildcards(),
    "ModalitiesInStudy": modalities() | st.lists(modalities(), min_size=1, max_size=3),
    "SeriesInstanceUID": uids() | st.lists(uids(), min_size=1, max_size=3),
    "query_level": st.sampled_from(QueryLevels),
    "min_study_date": dates(),
    "max_study_date": dates(),
    "include_fields": st.lists(st.sampled_from([*_STUDY, *_SERIES, *_INSTANCE]), max_size=3),
    "InstitutionName": _wildcards(),
    "PatientSex": st.sampled_from(["F", "M", "O"]),
    "StudyDescription": _wildcards(),
    "SeriesDescription": _wildcards(),
    "InstitutionalDepartmentName": _wildcards(),
    "PatientBirthDate": _birth_dates() | dates(),
}
