"""A query, taken apart: what studies, series and equipment have to match, and how to ask it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import attrs
from pydicom.dataset import Dataset

from ..core import DICOMObjectLevels, ExtendedQuery, Matches, level_of_keyword, put, unique
from .desk import Item, Question
from .gathering import Window
from .keys import Keys, equipment_keys, fields_of, series_keys, study_keys
from .rechecking import rechecker

__all__ = ["Questions", "SeriesKeys"]

_DATES: Final = ("min_study_date", "max_study_date")
_TO_DIVIDE_BY: Final = ("StudyDate", "StudyTime")


@attrs.frozen
class SeriesKeys:
    """What a series is chosen by.

    Attributes
    ----------
    keys
        Matching keys.
    check
        Compares a series with them.
    of_equipment
        Whether they tell of the equipment, and choose whole studies.
    """

    keys: Keys
    check: Callable[[Item], Matches]
    of_equipment: bool = False


class Questions:
    """The questions that a query becomes.

    Attributes
    ----------
    query
        The query.
    window
        The caller's own window into the list of studies.
    fuzzy
        Whether names may match by their sound.
    level
        How deep it goes.
    of_study
        The keys that studies have.
    of_series
        The keys that series have, of which only those that match are returned.
    of_equipment
        The keys that series have, and that choose whole studies.
    """

    def __init__(self, query: ExtendedQuery, window: Window, *, fuzzy: bool) -> None:
        self.query: ExtendedQuery = query
        self.window: Window = window
        self.fuzzy: bool = fuzzy
        self.level: DICOMObjectLevels = DICOMObjectLevels.from_query_level(query.query_level)
        self.of_study: Keys = study_keys(query)
        self.of_series: SeriesKeys | None = self._compiled(series_keys(query))
        self.of_equipment: SeriesKeys | None = self._compiled(
            equipment_keys(query), of_equipment=True
        )

    def question(self, level: DICOMObjectLevels, keys: Keys) -> Question:
        """Ask for what the whole archive has at *level*."""
        fields = unique([*fields_of(self.query, level, keys), *_TO_DIVIDE_BY])
        return Question(level, keys, tuple(fields), self.fuzzy)

    def fields(self, level: DICOMObjectLevels) -> tuple[str, ...]:
        """Return what to ask for of objects in one study."""
        of_series = {**series_keys(self.query), **equipment_keys(self.query)}
        keys = of_series if level is DICOMObjectLevels.SERIES else {}
        return fields_of(self.query, level, keys)

    def check(self, keys: Keys) -> Callable[[Item], Matches]:
        """Compile these keys, as the query has them; names found by sound cannot be compared."""
        return rechecker(ExtendedQuery.from_mapping(self._kept(keys)))

    def check_as_asked(self, keys: Keys) -> Callable[[Item], Matches]:
        """Compile these keys as they are sent: with a name that may be wider than the query's."""
        kept = self._kept(keys)
        if "PatientName" in kept:
            kept["PatientName"] = keys["PatientName"]
        return rechecker(ExtendedQuery.from_mapping(kept))

    def _kept(self, keys: Keys) -> dict[str, Any]:
        names = {*keys, *(_DATES if "StudyDate" in keys else ())}
        if self.fuzzy:
            names.discard("PatientName")
        given = self.query.parameters()
        return {name: value for name, value in given.items() if name in names}

    def of_modality(self) -> SeriesKeys:
        """Return what some series of a study has to match in place of ModalitiesInStudy.

        All series are listed and compared: they say their Modality, which archives have to know.
        """
        keys = Dataset()
        put(keys, "Modality", self.query.ModalitiesInStudy.split("\\"))
        return SeriesKeys({}, rechecker(keys))

    def fields_too_deep(self) -> tuple[str, ...]:
        """Return the fields that were asked for, and that no object of this level has."""
        fields = self.query.include_fields
        return tuple(field for field in fields if level_of_keyword(field) < self.level)

    def _compiled(self, keys: Keys, *, of_equipment: bool = False) -> SeriesKeys | None:
        return SeriesKeys(keys, self.check(keys), of_equipment) if keys else None
