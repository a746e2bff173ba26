"""Where a study, series or instance is, below the address of an archive."""

from __future__ import annotations

from urllib.parse import quote

from ...core import DICOMObjectReference

__all__ = ["path_of"]

_NAMES = ("studies", "series", "instances")


def path_of(reference: DICOMObjectReference) -> str:
    """Return the path of a resource (PS3.18 10.4.1.1).

    Examples
    --------
    >>> from gurney.core import SeriesReference
    >>> path_of(SeriesReference("1.2", "1.2.3"))
    'studies/1.2/series/1.2.3'
    """
    return "/".join(
        f"{name}/{quote(uid, safe='')}" for name, uid in zip(_NAMES, reference.uids, strict=False)
    )
