"""What can be asked of a DIMSE archive beyond what any archive can be asked."""

from __future__ import annotations

from typing import Any, Final

import attrs

from ...core import DateLike, ExtendedQuery, QueryError, QueryLevels, Texts

__all__ = ["CFindQuery"]

_INHERITED: Final = (DateLike, QueryLevels, Texts)  # named by the hints of inherited parameters


def _check_limit(_: object, field: attrs.Attribute[Any], value: object) -> None:
    if value is None:
        return
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise QueryError(f"{field.name} must be a whole number of studies, 1 or more")


def _check_flag(_: object, field: attrs.Attribute[bool], value: object) -> None:
    if not isinstance(value, bool):
        raise QueryError(f"{field.name} must be True or False, not {type(value).__name__}")


@attrs.frozen(kw_only=True)
class CFindQuery(ExtendedQuery):
    """A question to a DIMSE archive (C-FIND).

    Parameters
    ----------
    limit
        The most studies to return; `None` for all. With more, the archive is told to stop
        (C-CANCEL), and the result says that it was cut.
    fuzzy_matching
        Whether the archive may take names that sound alike; it is asked whether it can. Its
        answers are then not compared with ``PatientName``. Archives that cannot match as usual.

    Raises
    ------
    QueryError
        As `Query`.

    References
    ----------
    DICOM PS3.4 C.5.1.1, SOP Class Extended Negotiation; PS3.7 9.3.2.3, C-CANCEL-FIND.

    Examples
    --------
    >>> CFindQuery(PatientName="DOE*", limit=10).to_short_string()
    'PatientName=DOE*, limit=10'
    """

    limit: int | None = attrs.field(default=None, validator=_check_limit)
    fuzzy_matching: bool = attrs.field(default=False, validator=_check_flag)
