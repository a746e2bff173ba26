"""What can be asked of a DICOMweb archive beyond what any archive can be asked."""

from __future__ import annotations

from typing import Any, Final

import attrs

from ..core import DateLike, ExtendedQuery, QueryError, QueryLevels, Texts

__all__ = ["DICOMwebQuery"]

_INHERITED: Final = (DateLike, QueryLevels, Texts)  # named by the hints of inherited parameters


def _check_count(_: object, field: attrs.Attribute[Any], value: object) -> None:
    if field.name == "limit" and value is None:
        return
    least = 1 if field.name == "limit" else 0
    if not isinstance(value, int) or isinstance(value, bool) or value < least:
        raise QueryError(f"{field.name} must be a whole number of studies, {least} or more")


def _check_flag(_: object, field: attrs.Attribute[bool], value: object) -> None:
    if not isinstance(value, bool):
        raise QueryError(f"{field.name} must be True or False, not {type(value).__name__}")


@attrs.frozen(kw_only=True)
class DICOMwebQuery(ExtendedQuery):
    """A question to a DICOMweb archive (QIDO-RS).

    Parameters
    ----------
    limit
        The most studies to return; `None` for all. A result that was cut by it says so.
    offset
        How many studies of the archive's list to pass over. That list keeps its order only while
        the archive does not change, so two windows may overlap, or miss something in between.
    fuzzy_matching
        Whether the archive may take names that sound alike. Its answers are then not compared
        with ``PatientName``. Archives that cannot do this match as usual.

    Raises
    ------
    QueryError
        As `Query`; and for an offset together with several modalities or UIDs, or with keys of
        series: these are several questions.

    References
    ----------
    DICOM PS3.18 8.3.4, Query Parameters.

    Examples
    --------
    >>> DICOMwebQuery(PatientName="DOE*", limit=10).to_short_string()
    'PatientName=DOE*, limit=10'
    """

    limit: int | None = attrs.field(default=None, validator=_check_count)
    offset: int = attrs.field(default=0, validator=_check_count)
    fuzzy_matching: bool = attrs.field(default=False, validator=_check_flag)

    def __attrs_post_init__(self) -> None:
        super().__attrs_post_init__()
        for name in ("StudyInstanceUID", "ModalitiesInStudy"):
            if self.offset and "\\" in getattr(self, name):
                raise QueryError(f"offset goes with one {name} only; search once for each")
        for name in ("SeriesInstanceUID", "SeriesDescription"):
            if self.offset and getattr(self, name):
                raise QueryError(
                    f"offset counts studies, and does not go with {name}; leave it out"
                )
