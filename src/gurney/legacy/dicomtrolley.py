"""Searchers and downloaders of dicomtrolley as ours, and ours as theirs: one line each.

dicomtrolley is imported when something of ours is to be theirs, or a query of ours is asked there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from importlib import import_module
from typing import Any, Final, Protocol, cast

import attrs
from pydicom.dataset import Dataset

from ..core import (
    Completeness,
    DICOMDownloadable,
    DICOMObjectReference,
    Downloader,
    DownloadError,
    ExtendedQuery,
    GurneyError,
    Instance,
    InstanceReference,
    NonInstanceParameterError,
    NonSeriesParameterError,
    Query,
    QueryLevels,
    Searcher,
    SearchError,
    SearchResult,
    Series,
    SeriesReference,
    Study,
    StudyReference,
    UnsupportedParameterError,
)

__all__ = ["AsTheirDownloader", "AsTheirSearcher", "FromTheirDownloader", "FromTheirSearcher"]

_NOT_SAID: Final = "dicomtrolley does not say whether it found everything"


class _TheirSearcher(Protocol):
    def find_studies(self, query: Any, /) -> Iterable[Any]: ...


class _TheirDownloader(Protocol):
    def datasets(self, objects: Any, /) -> Iterable[Dataset]: ...


@attrs.frozen
class FromTheirSearcher(Searcher):
    """A searcher of dicomtrolley's as ours.

    Parameters
    ----------
    searcher
        Anything with dicomtrolley's ``find_studies``.
    """

    searcher: _TheirSearcher

    def find_studies(self, query: Query, /) -> SearchResult:
        """Return what *searcher* finds. Nobody can say whether it is everything.

        Raises
        ------
        UnsupportedParameterError
            If dicomtrolley's queries have no such parameter.
        SearchError
            If the search failed.
        """
        theirs = _their_query(query)
        try:
            studies = [_our_study(study) for study in self.searcher.find_studies(theirs)]
        except GurneyError:
            raise
        except Exception as error:  # their searchers raise what requests and pydantic raise, too
            raise SearchError(f"dicomtrolley's search failed ({type(error).__name__})") from error
        return SearchResult(studies, Completeness.UNKNOWN, [_NOT_SAID])


@attrs.frozen
class FromTheirDownloader(Downloader):
    """A downloader of dicomtrolley's as ours: a `Trolley` sees what it leaves out.

    Parameters
    ----------
    downloader
        Anything with dicomtrolley's ``datasets``.
    """

    downloader: _TheirDownloader

    def datasets(self, objects: Iterable[DICOMDownloadable], /) -> Iterator[Dataset]:
        """Yield the data sets that *downloader* yields.

        Raises
        ------
        NonSeriesParameterError, NonInstanceParameterError
            If it needs deeper references.
        DownloadError
            If it fails; it does not say for which instance.
        """
        wanted = [obj.reference() for obj in objects]
        try:
            yield from self.downloader.datasets([_their_reference(ref) for ref in wanted])
        except GurneyError:
            raise
        except Exception as error:
            raise _our_error(error, wanted) from error


class AsTheirSearcher:
    """A searcher of ours as dicomtrolley's.

    Its studies are dicomtrolley's. A search that was cut short is an error: there is no other
    place to say it.

    Parameters
    ----------
    searcher
        Any searcher.
    """

    def __init__(self, searcher: Searcher) -> None:
        self.searcher: Searcher = searcher

    def find_studies(self, query: Any) -> list[Any]:
        """Return the studies that match a query of dicomtrolley's.

        Raises
        ------
        SearchError
            If the result is known to be cut short.
        """
        found = self.searcher.find_studies(_our_query(query))
        if isinstance(found, SearchResult) and found.completeness is Completeness.CAPPED:
            reasons = "; ".join(found.reasons)
            raise SearchError(f"the search was cut short ({reasons}); narrow it")
        return [_their_study(study) for study in found]

    def find_study(self, query: Any) -> Any:
        """Return the one study that matches; as `gurney.core.Searcher.find_study`."""
        return _their_study(self.searcher.find_study(_our_query(query)))

    def find_study_by_id(self, study_uid: str, query_level: Any = None) -> Any:
        """Return one study, filled down to a query level of dicomtrolley's."""
        their = _their()
        level = their.QueryLevels.STUDY if query_level is None else query_level
        return self.find_study(their.Query(StudyInstanceUID=study_uid, query_level=level))


class AsTheirDownloader:
    """A downloader of ours as dicomtrolley's.

    Parameters
    ----------
    downloader
        Any downloader.
    """

    def __init__(self, downloader: Downloader) -> None:
        self.downloader: Downloader = downloader

    def datasets(self, objects: Iterable[Any]) -> Iterator[Dataset]:
        """Yield a data set for each instance in objects of dicomtrolley's, verified to be whole."""
        their = _their()
        try:
            yield from self.downloader.datasets([_our_reference(obj) for obj in objects])
        except NonSeriesParameterError as error:
            raise their.NonSeriesParameterError(str(error)) from error
        except NonInstanceParameterError as error:
            raise their.NonInstanceParameterError(str(error)) from error

    def get_dataset(self, instance: Any) -> Dataset:
        """Return the data set of one instance."""
        return next(self.datasets([instance]))


def _their() -> Any:
    return import_module("dicomtrolley.core")


def _our_error(error: Exception, wanted: Sequence[DICOMObjectReference]) -> GurneyError:
    """Return *error* as ours; both trees have the same names for what a caller can mend."""
    name = type(error).__name__
    first = str(wanted[0]) if wanted else "nothing"
    if name == "NonSeriesParameterError":
        return NonSeriesParameterError(first, "series")
    if name == "NonInstanceParameterError":
        return NonInstanceParameterError(first, "instance")
    return DownloadError(first, f"dicomtrolley's downloader failed ({name})")


def _their_query(query: Query) -> Any:
    their = _their()
    given = {name: _theirs(value) for name, value in query.parameters().items()}
    if "query_level" in given:
        given["query_level"] = their.QueryLevels(query.query_level.value)
    kind = their.ExtendedQuery
    lost = given.keys() - kind.model_fields.keys()
    if lost:
        raise UnsupportedParameterError(min(lost), "dicomtrolley")
    plain = given.keys() <= their.Query.model_fields.keys()
    try:
        return (their.Query if plain else kind)(**given)
    except ValueError as error:  # pydantic's: its text holds the value
        name = min(given.keys() - {"query_level"}, default="query_level")
        raise UnsupportedParameterError(name, "dicomtrolley") from error


def _theirs(value: object) -> object:
    if isinstance(value, date):
        return datetime(value.year, value.month, value.day)  # noqa: DTZ001  a date has no zone
    return [*cast("tuple[object, ...]", value)] if isinstance(value, tuple) else value


def _our_query(query: Any) -> Query:
    given = {name: value for name, value in query.model_dump().items() if value}
    given["query_level"] = QueryLevels(query.query_level.value)
    plain = given.keys() <= attrs.fields_dict(Query).keys()
    return (Query if plain else ExtendedQuery).from_mapping(given)


def _our_study(theirs: Any) -> Study:
    return Study(
        theirs.uid,
        theirs.data,
        [
            Series(
                series.uid, series.data, [Instance(one.uid, one.data) for one in series.instances]
            )
            for series in theirs.series
        ],
    )


def _their_study(ours: Study) -> Any:
    their = _their()
    study = their.Study(uid=ours.uid, data=ours.data, series=())
    study.series = tuple(_their_series(their, series, study) for series in ours.series)
    return study


def _their_series(their: Any, ours: Series, study: Any) -> Any:
    series = their.Series(uid=ours.uid, data=ours.data, parent=study, instances=())
    series.instances = tuple(
        their.Instance(uid=one.uid, data=one.data, parent=series) for one in ours.instances
    )
    return series


def _their_reference(ours: DICOMObjectReference) -> Any:
    their = _their()
    fields = attrs.asdict(ours)
    return getattr(their, type(ours).__name__)(**fields)


def _our_reference(theirs: Any) -> DICOMObjectReference:
    """Take objects of dicomtrolley's, and ours too."""
    found = theirs.reference()
    names = ("study_uid", "series_uid", "instance_uid")
    uids = [getattr(found, name) for name in names if hasattr(found, name)]
    return (StudyReference, SeriesReference, InstanceReference)[len(uids) - 1](*uids)
