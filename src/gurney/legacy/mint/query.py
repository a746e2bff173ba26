"""What can be asked of a MINT server beyond what any archive can be asked."""

from __future__ import annotations

from typing import Any, Final

import attrs

from ...core import DateLike, ExtendedQuery, QueryError, QueryLevels, Texts

__all__ = ["MintQuery"]

_INHERITED: Final = (DateLike, QueryLevels, Texts)  # named by the hints of inherited parameters


def _check_limit(_: object, field: attrs.Attribute[Any], value: object) -> None:
    if value is None:
        return
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise QueryError(f"{field.name} must be a whole number of studies, 1 or more")


@attrs.frozen(kw_only=True)
class MintQuery(ExtendedQuery):
    """A question to a MINT server.

    Parameters
    ----------
    limit
        The most studies to return; `None` for all. A result that was cut by it says so.

    Raises
    ------
    QueryError
        As `Query`.

    Examples
    --------
    >>> MintQuery(PatientName="DOE*", limit=10).to_short_string()
    'PatientName=DOE*, limit=10'
    """

    limit: int | None = attrs.field(default=None, validator=_check_limit)
