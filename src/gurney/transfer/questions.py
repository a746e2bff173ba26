"""Few questions for many items: what can be asked in one go, and told apart in the answer."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final, TypeAlias

import attrs

from gurney.core import (
    DICOMObjectLevels,
    DICOMObjectReference,
    Query,
    QueryLevels,
    chunked,
)

from .items import Wanted

__all__ = ["Batch", "Question", "batches", "questions"]

UIDS_PER_QUESTION: Final = 50  # as `gurney.trolley.resolve` asks
_INSTANCES_PER_BATCH: Final = 5_000  # nobody is asked for them
_QUESTIONS_PER_BATCH: Final = 20  # so many are asked again if a process is killed

Numbered: TypeAlias = tuple[int, Query]
"""The number of an item, and what it asks for."""


@attrs.frozen
class Question:
    """One question to a searcher.

    Attributes
    ----------
    members
        The items that it is asked for; at least one.
    query
        What is asked. Its answer has all that the members want, and perhaps more.
    """

    members: tuple[Numbered, ...]
    query: Query = attrs.field(repr=False)


@attrs.frozen
class Batch:
    """What is looked up in one go, and noted together: the items of few questions.

    Attributes
    ----------
    references
        By the numbers of their items; all of one level.
    questions
        For what has no reference yet.
    """

    references: tuple[tuple[int, DICOMObjectReference], ...] = ()
    questions: tuple[Question, ...] = ()

    @property
    def numbers(self) -> tuple[int, ...]:
        """The numbers of all items in it."""
        asked = (number for question in self.questions for number, _ in question.members)
        return (*(number for number, _ in self.references), *asked)


def batches(items: Iterable[tuple[int, Wanted]]) -> Iterator[Batch]:
    """Yield all of *items*, each in one batch: references by their level, then queries."""
    by_level: dict[DICOMObjectLevels, list[tuple[int, DICOMObjectReference]]] = {}
    queries: list[Numbered] = []
    for number, wanted in items:
        if isinstance(wanted, Query):
            queries.append((number, wanted))
        else:
            by_level.setdefault(wanted.level, []).append((number, wanted))
    for level, references in by_level.items():
        asked = level > DICOMObjectLevels.INSTANCE
        for chunk in chunked(references, UIDS_PER_QUESTION if asked else _INSTANCES_PER_BATCH):
            yield Batch(references=chunk)
    for group in chunked(questions(queries), _QUESTIONS_PER_BATCH):
        yield Batch(questions=group)


def questions(queries: Iterable[Numbered]) -> Iterator[Question]:
    """Yield all of *queries*, those that one question serves together."""
    patients: dict[str, list[Numbered]] = {}
    series: list[Numbered] = []
    others: list[Numbered] = []
    for number, query in queries:
        given = query.parameters().keys() - {"query_level"}
        if given == {"PatientID", "min_study_date", "max_study_date"}:
            patients.setdefault(query.PatientID, []).append((number, query))
        elif given == {"SeriesInstanceUID"}:
            series.append((number, query))
        else:
            others.append((number, query))
    for members in chunked(series, UIDS_PER_QUESTION):
        yield _any_of_the_series(members)
    for group in patients.values():
        for members in chunked(group, UIDS_PER_QUESTION):
            yield _any_day_of_the_patient(members)
    for member in others:
        yield Question((member,), member[1])


def _any_of_the_series(members: Sequence[Numbered]) -> Question:
    uids = [query.SeriesInstanceUID for _, query in members]
    return Question(tuple(members), Query(SeriesInstanceUID=uids, query_level=QueryLevels.SERIES))


def _any_day_of_the_patient(members: Sequence[Numbered]) -> Question:
    """From the first day to the last; the dates of what is found tell them apart."""
    first, last = (
        [day for _, query in members if (day := getattr(query, name)) is not None]
        for name in ("min_study_date", "max_study_date")
    )
    patient = members[0][1].PatientID
    query = Query(PatientID=patient, min_study_date=min(first), max_study_date=max(last))
    return Question(tuple(members), query)
