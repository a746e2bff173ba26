"""How high in the tree an object is, and how deep a search goes."""

from __future__ import annotations

from enum import Enum, IntEnum

__all__ = ["DICOMObjectLevels", "QueryLevels"]


class DICOMObjectLevels(IntEnum):
    """Where an object is in the tree: a study is highest, an instance lowest.

    A property of an object, as `QueryLevels` is a property of a question.

    References
    ----------
    DICOM PS3.4 C.6.2.1, Study Root Query/Retrieve Information Model.

    Examples
    --------
    >>> DICOMObjectLevels.STUDY > DICOMObjectLevels.SERIES > DICOMObjectLevels.INSTANCE
    True
    """

    INSTANCE = 0
    SERIES = 1
    STUDY = 2

    @classmethod
    def from_query_level(cls, level: QueryLevels) -> DICOMObjectLevels:
        """Return the level of the deepest objects that a search at *level* returns."""
        return cls[level.name]


class QueryLevels(str, Enum):
    """How deep a search goes: deeper is richer, and slower.

    References
    ----------
    DICOM PS3.4 C.6.2.1. What is ``INSTANCE`` here, the standard writes ``IMAGE`` in
    Query/Retrieve Level (0008,0052).
    """

    STUDY = "STUDY"
    SERIES = "SERIES"
    INSTANCE = "INSTANCE"

    @classmethod
    def from_object_level(cls, level: DICOMObjectLevels) -> QueryLevels:
        """Return how deep to search for objects of *level*."""
        return cls[level.name]
