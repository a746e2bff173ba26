"""Queries take more than they hold, and say so to a type checker. Checked, never run."""

from __future__ import annotations

from datetime import date, datetime, timezone
from typing import Any

import attrs
from pydicom.dataset import Dataset
from pydicom.uid import UID
from typing_extensions import assert_type

from gurney.core import DICOMObjectLevels, ExtendedQuery, Query, QueryLevels

# ---------------------------------------------------------------- what is taken

Query()
Query(StudyInstanceUID="1.2", SeriesInstanceUID=["1.2.3", "1.2.4"])
Query(StudyInstanceUID=(uid for uid in ("1.2",)), ModalitiesInStudy=("CT", "MR"))
Query(StudyInstanceUID=[UID("1.2")], include_fields="Modality")
Query(min_study_date="20240101", max_study_date=date(2024, 1, 31))
Query(min_study_date=None, max_study_date=datetime(2024, 1, 31, tzinfo=timezone.utc))
Query(PatientName="DOE*", PatientID="1", AccessionNumber="A", include_fields=["Modality"])
ExtendedQuery(PatientBirthDate=date(1960, 1, 1), PatientSex="F")
ExtendedQuery(PatientBirthDate="19600101-", query_level=QueryLevels.SERIES)

# ---------------------------------------------------------------- what is held

query = ExtendedQuery(StudyInstanceUID=["1.2"], min_study_date="20240101")
assert_type(query.StudyInstanceUID, str)
assert_type(query.ModalitiesInStudy, str)
assert_type(query.min_study_date, date | None)
assert_type(query.query_level, QueryLevels)
assert_type(query.include_fields, tuple[str, ...])
assert_type(query.PatientBirthDate, str)
assert_type(query.identifier(), Dataset)
assert_type(query.to_short_string(), str)
assert_type(query.parameters(), dict[str, Any])


@attrs.frozen(kw_only=True)
class PagedQuery(ExtendedQuery):
    """A backend's own query inherits what a query takes."""

    limit: int = 100


assert_type(PagedQuery.init_from_query(Query()), PagedQuery)
assert_type(PagedQuery.from_mapping({"limit": 5}), PagedQuery)
PagedQuery(limit=5, StudyInstanceUID=["1.2"], min_study_date="20240101")

assert_type(QueryLevels.from_object_level(DICOMObjectLevels.SERIES), QueryLevels)
assert_type(DICOMObjectLevels.from_query_level(query.query_level), DICOMObjectLevels)

# ---------------------------------------------------------------- what is rejected

Query("1.2")  # type: ignore[call-arg]  # ty: ignore[too-many-positional-arguments]
Query(PatientNam="DOE*")  # type: ignore[call-arg]  # ty: ignore[unknown-argument]
Query(PatientSex="F")  # type: ignore[call-arg]  # ty: ignore[unknown-argument]
Query(PatientID=None)  # type: ignore[arg-type]  # ty: ignore[invalid-argument-type]
Query(PatientID=["1", "2"])  # type: ignore[arg-type]  # ty: ignore[invalid-argument-type]
Query(StudyInstanceUID=[1])  # type: ignore[list-item]  # ty: ignore[invalid-argument-type]
Query(StudyInstanceUID=None)  # type: ignore[arg-type]  # ty: ignore[invalid-argument-type]
Query(min_study_date=20240101)  # type: ignore[arg-type]  # ty: ignore[invalid-argument-type]
Query(query_level="SERIES")  # type: ignore[arg-type]  # ty: ignore[invalid-argument-type]
query.PatientID = "2"  # type: ignore[misc]  # ty: ignore[invalid-assignment]
