"""What a searcher says of items: the studies, or series, that each of them stands for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

import attrs

from gurney.core import (
    ArchiveUnavailableError,
    AuthenticationError,
    Completeness,
    DICOMDownloadable,
    GurneyError,
    Query,
    QueryLevels,
    Searcher,
    SearchResult,
    Study,
    matcher,
    unique,
)
from gurney.trolley import NOT_SAID

from .items import Item
from .questions import Numbered, Question, questions

__all__ = ["Answer", "LookedUp", "answers", "look_up", "several"]

_WILD: Final = frozenset("*?")


@attrs.frozen(kw_only=True)
class Answer:
    """What was said of one item.

    Attributes
    ----------
    number
        Of the item.
    objects
        Studies, or series where series were asked for.
    failure
        Why the item has none although it should; else empty.
    notes
        Oddities that do not touch completeness.
    reasons, completeness
        Whether these are known to be all, and why not.
    """

    number: int
    objects: tuple[DICOMDownloadable, ...] = ()
    failure: str = ""
    notes: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()
    completeness: Completeness = Completeness.COMPLETE


def answers(searcher: Searcher, question: Question) -> list[Answer]:
    """Return an answer for each item of *question*, in order.

    Items that one question cannot serve, because it is not known to be complete or does not tell
    them apart, are asked for one by one.

    Raises
    ------
    ArchiveUnavailableError, AuthenticationError
        If there is nobody to ask, or nobody who answers us.
    """
    together = _together(searcher, question) if len(question.members) > 1 else {}
    return [together.get(member[0]) or _alone(searcher, member) for member in question.members]


@attrs.frozen(kw_only=True)
class LookedUp:
    """What was said of many items.

    Attributes
    ----------
    objects
        Studies, series, references, in the order of the items.
    reasons, completeness
        Whether these are known to be everything, and why not, by the places of the items.
    notes
        Oddities that do not touch completeness.
    """

    objects: tuple[DICOMDownloadable, ...]
    reasons: tuple[str, ...]
    completeness: Completeness
    notes: tuple[str, ...]


def look_up(searcher: Searcher, items: Iterable[Item]) -> LookedUp:
    """Return what *items* stand for, asking few questions, one after the other.

    Nothing that goes wrong with one item stops the others.

    Raises
    ------
    ArchiveUnavailableError, AuthenticationError
        If there is nobody to ask, or nobody who answers us.
    """
    listed = list(items)
    asked = ((n, item.wanted) for n, item in enumerate(listed) if isinstance(item.wanted, Query))
    told = {
        answer.number: answer
        for question in questions(asked)
        for answer in answers(searcher, question)
    }
    objects: list[DICOMDownloadable] = []
    for number, item in enumerate(listed):
        objects += (item.wanted,) if not isinstance(item.wanted, Query) else told[number].objects
    doubts = [
        (listed[number].place, answer.failure or "; ".join(answer.reasons))
        for number, answer in sorted(told.items())
        if answer.failure or answer.reasons
    ]
    return LookedUp(
        objects=tuple(objects),
        reasons=several(doubts),
        completeness=Completeness.of_all(
            Completeness.UNKNOWN if answer.failure else answer.completeness
            for answer in told.values()
        ),
        notes=tuple(unique(note for answer in told.values() for note in answer.notes)),
    )


def several(reasons: Iterable[tuple[str, str]]) -> tuple[str, ...]:
    """Return a line for each reason, with the first place where it holds, and how many more.

    Examples
    --------
    >>> several([("row 2", "not listed"), ("row 5", "capped"), ("row 7", "not listed")])
    ('row 2 and 1 more: not listed', 'row 5: capped')
    """
    places: dict[str, list[str]] = {}
    for place, reason in reasons:
        places.setdefault(reason, []).append(place)
    return tuple(
        f"{first}{f' and {len(more)} more' if more else ''}: {reason}"
        for reason, (first, *more) in places.items()
    )


def _together(searcher: Searcher, question: Question) -> dict[int, Answer]:
    """Return what can be said of the items for which there is something."""
    try:
        found = _ask(searcher, question.query)
    except (ArchiveUnavailableError, AuthenticationError):
        raise
    except GurneyError:
        return {}
    if not found.complete:
        return {}
    told: dict[int, Answer] = {}
    notes = found.notes
    for number, query in question.members:
        objects = _those_of(query, found)
        if objects is None:
            return {}
        if objects:
            told[number] = Answer(number=number, objects=objects, notes=notes)
            notes = ()
    return told


def _those_of(query: Query, found: Iterable[Study]) -> tuple[DICOMDownloadable, ...] | None:
    """Return what *query* wants of *found*; `None` if that cannot be told from it."""
    if query.SeriesInstanceUID:
        return tuple(
            series
            for study in found
            for series in study.series
            if series.uid == query.SeriesInstanceUID
        )
    compare = matcher(
        Query(min_study_date=query.min_study_date, max_study_date=query.max_study_date)
    )
    compared = [(study, compare(study.data)) for study in found]
    if any(match.unverified for _, match in compared):
        return None
    return tuple(study for study, match in compared if match.matched)


def _alone(searcher: Searcher, member: Numbered) -> Answer:
    number, query = member
    try:
        found = _ask(searcher, query)
    except (ArchiveUnavailableError, AuthenticationError):
        raise
    except GurneyError as error:
        return Answer(number=number, failure=f"the search failed: {error}")
    series = (series for study in found for series in study.series)
    objects = tuple[DICOMDownloadable, ...](series if _is_of_series(query) else found)
    if not objects and _names_something(query):
        return Answer(number=number, failure=_nothing(query, found))
    absent = tuple(_absent(query, found))
    return Answer(
        number=number,
        objects=objects,
        notes=(*found.notes, *_ambiguous(query, found)),
        reasons=(*found.reasons, *absent),
        completeness=Completeness.of_all(
            [found.completeness, *([Completeness.UNKNOWN] if absent else [])]
        ),
    )


def _ask(searcher: Searcher, query: Query) -> SearchResult:
    """Search as deep as needed to know the studies, or the series that are meant."""
    if query.query_level is QueryLevels.STUDY and _is_of_series(query):
        query = attrs.evolve(query, query_level=QueryLevels.SERIES)
    found = searcher.find_studies(query)
    if isinstance(found, SearchResult):
        return found
    return SearchResult(found, Completeness.UNKNOWN, [NOT_SAID])


def _is_of_series(query: Query) -> bool:
    """Whether series are meant, not all of the studies that they are in."""
    return bool(query.SeriesInstanceUID or getattr(query, "SeriesDescription", ""))


def _names_something(query: Query) -> bool:
    """Whether there is somebody who says that what *query* asks for exists."""
    texts = (query.AccessionNumber, query.PatientID)
    named = any(text and _WILD.isdisjoint(text) for text in texts)
    return named or bool(query.StudyInstanceUID or query.SeriesInstanceUID)


def _nothing(query: Query, found: SearchResult) -> str:
    what = "series" if _is_of_series(query) else "study"
    keys = " and ".join(_keys(query))
    said = f"the archive lists no {what} with this {keys}"
    if found.held_back:
        said += f" ({len(found.held_back)} of its answers were held back: they did not match)"
    return (
        said if found.complete else f"{said}, and that may not be all: {'; '.join(found.reasons)}"
    )


def _keys(query: Query) -> Iterator[str]:
    for name in query.parameters():
        if name[0].isupper():
            yield name
    if query.min_study_date or query.max_study_date:
        yield "StudyDate"


def _absent(query: Query, found: SearchResult) -> Iterator[str]:
    """Yield what is to be said of UIDs that were asked for and are not listed."""
    studies = {study.uid for study in found}
    series = {series.uid for study in found for series in study.series}
    for name, asked, listed in (
        ("study", query.StudyInstanceUID, studies),
        ("series", query.SeriesInstanceUID, series),
    ):
        for uid in asked.split("\\"):
            if uid and uid not in listed:
                yield f"the archive lists no such {name}: {uid}"


def _ambiguous(query: Query, found: SearchResult) -> Iterator[str]:
    """An accession number is meant to be of one study, and is not always."""
    if query.AccessionNumber and _WILD.isdisjoint(query.AccessionNumber) and len(found) > 1:
        yield f"{len(found)} studies have one accession number"
