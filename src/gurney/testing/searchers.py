"""What every searcher has to do: the conformance tests of `gurney.core.Searcher`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import ClassVar, Final

import attrs
import pytest

from gurney.core import (
    Completeness,
    DICOMObject,
    DICOMObjectLevels,
    ExtendedQuery,
    InvalidUIDError,
    Query,
    QueryLevels,
    Searcher,
    Study,
    StudyCountError,
    UnsupportedParameterError,
    completeness_of,
    text,
    to_references,
)

from .features import SearcherFeatures
from .seeds import CASES, FOLLOW_UP, TREE, UNKNOWN, Case

__all__ = ["SearcherConformance"]

_PATIENT: Final = ("PatientName", "PatientID", "AccessionNumber", "PatientBirthDate")
_SAID: Final = """
    StudyInstanceUID PatientName PatientID PatientBirthDate PatientSex StudyDate AccessionNumber
    StudyDescription SeriesInstanceUID Modality SeriesDescription SOPInstanceUID SOPClassUID
""".split()
_EXTRA: Final = {
    QueryLevels.STUDY: "StudyTime",
    QueryLevels.SERIES: "BodyPartExamined",
    QueryLevels.INSTANCE: "ConversionType",
}

every_level: pytest.MarkDecorator = pytest.mark.parametrize("level", QueryLevels)
every_case: pytest.MarkDecorator = pytest.mark.parametrize("case", CASES, ids=str)


@attrs.frozen(kw_only=True)
class _ForeignQuery(ExtendedQuery):
    """A query of another backend, with a parameter that nobody else has."""

    gurney_kit_parameter: str = ""


class SearcherConformance:
    """Subclass as ``TestMySearcher``, override the fixture `searcher`, declare `features`."""

    features: ClassVar[SearcherFeatures] = SearcherFeatures()

    @pytest.fixture
    def searcher(self) -> Searcher:
        """Override: a searcher over an archive that holds `conformance_datasets`, nothing else."""
        raise NotImplementedError("override the fixture 'searcher' in your subclass")

    @pytest.fixture
    def capped_searcher(self) -> Searcher:
        """Override, if there can be such: the same, but the archive stops before all 5 studies."""
        pytest.skip("no fixture 'capped_searcher': how a capped result is told is not tested")

    @every_level
    @every_case
    def test_finds_what_matches(self, searcher: Searcher, case: Case, level: QueryLevels) -> None:
        """Exactly what matches is found, each once, down to the level; or the query is refused."""
        query, depth = case.query(level), DICOMObjectLevels.from_query_level(level)
        if self._is_refused(searcher.find_studies, query):
            return
        studies = searcher.find_studies(query)

        assert case.answer(depth) == _names(studies, depth)

    @every_case
    def test_finds_one_study(self, searcher: Searcher, case: Case) -> None:
        """`find_study` returns the only study that matches; else it says how many there are."""
        query = case.query(self._any_level())
        if self._is_refused(searcher.find_study, query):
            return
        if len(case.studies) == 1:
            assert case.studies == (searcher.find_study(query).uid,)
            return
        with pytest.raises(StudyCountError) as caught:
            searcher.find_study(query)

        assert len(case.studies) == caught.value.count
        _assert_no_patient(caught.value, query)

    @every_level
    @pytest.mark.parametrize("study", TREE, ids=str)
    def test_finds_study_by_id(self, searcher: Searcher, study: Study, level: QueryLevels) -> None:
        """`find_study_by_id` returns that study, down to the level asked for."""

        def find(query: Query) -> Study:
            return searcher.find_study_by_id(query.StudyInstanceUID, query_level=query.query_level)

        query = Query(StudyInstanceUID=study.uid, query_level=level)
        if self._is_refused(find, query):
            return
        depth = DICOMObjectLevels.from_query_level(level)

        assert _names([study], depth) == _names([find(query)], depth)

    def test_unknown_id_is_an_error(self, searcher: Searcher) -> None:
        """`find_study_by_id` says that there is no such study; no UID is no question at all."""
        level = self._any_level()
        if self._is_refused(
            searcher.find_studies, Query(StudyInstanceUID=UNKNOWN, query_level=level)
        ):
            return
        with pytest.raises(StudyCountError) as caught:
            searcher.find_study_by_id(UNKNOWN, query_level=level)
        with pytest.raises(InvalidUIDError):
            searcher.find_study_by_id("", query_level=level)

        assert 0 == caught.value.count

    def test_result_is_a_sequence(self, searcher: Searcher) -> None:
        """A result has a length, and can be read more than once, unlike a generator."""
        result = self._find_all(searcher, self._any_level())

        assert isinstance(result, Sequence)
        assert len(TREE) == len(result) == len(list(result)) == len(list(result))

    @every_level
    def test_order_is_stable(self, searcher: Searcher, level: QueryLevels) -> None:
        """The same question has the same answer, in the same order."""
        depth = DICOMObjectLevels.from_query_level(level)
        once = to_references(self._find_all(searcher, level), depth)

        assert once == to_references(self._find_all(searcher, level), depth)

    @every_level
    def test_objects_are_linked(self, searcher: Searcher, level: QueryLevels) -> None:
        """Each object is in its tree: it knows its parent, and can say where it is."""
        for study in self._find_all(searcher, level):
            assert isinstance(study, Study)
            for series in study.series:
                assert study is series.parent
                assert (study.uid, series.uid) == series.reference().uids
                for instance in series.instances:
                    assert series is instance.parent
                    assert (study.uid, series.uid, instance.uid) == instance.reference().uids

    @every_level
    def test_no_branch_is_known_in_part(self, searcher: Searcher, level: QueryLevels) -> None:
        """What has children has all of them, also below the level: else some would get lost."""
        truth = _by_name(TREE)
        for name, found in _by_name(self._find_all(searcher, level)).items():
            if found.children:
                assert _uids(truth[name].children) == _uids(found.children)

    @every_level
    def test_data_are_true(self, searcher: Searcher, level: QueryLevels) -> None:
        """What the data of an object say is so; they need not say anything."""
        truth = _by_name(TREE)
        for name, found in _by_name(self._find_all(searcher, level)).items():
            for keyword in _SAID:
                said = text(found.data, keyword)

                assert said in ("", text(truth[name].data, keyword)), keyword

    @every_level
    def test_returns_fields_asked_for(self, searcher: Searcher, level: QueryLevels) -> None:
        """A field asked for is there, at the level it belongs to; or the query is refused."""
        keyword, depth = _EXTRA[level], DICOMObjectLevels.from_query_level(level)
        query = Query(include_fields=[keyword], query_level=level)
        if self._is_refused(searcher.find_studies, query):
            return
        found = searcher.find_studies(query)

        assert _fields(TREE, keyword, depth) == _fields(found, keyword, depth)

    def test_takes_foreign_queries(self, searcher: Searcher) -> None:
        """A query of a class that the searcher does not know is converted, if nothing is lost."""
        query = _ForeignQuery(StudyInstanceUID=FOLLOW_UP, query_level=self._any_level())
        if self._is_refused(searcher.find_studies, query):
            return

        assert [FOLLOW_UP] == [study.uid for study in searcher.find_studies(query)]

    def test_refuses_foreign_parameters(self, searcher: Searcher) -> None:
        """A parameter that the searcher does not know is refused, by name."""
        query = _ForeignQuery(gurney_kit_parameter="x", query_level=self._any_level())
        with pytest.raises(UnsupportedParameterError) as caught:
            searcher.find_studies(query)

        assert "gurney_kit_parameter" == caught.value.parameter

    @every_case
    def test_completeness_is_true(self, searcher: Searcher, case: Case) -> None:
        """What is everything does not pass for cut short; some say that it is everything."""
        query = case.query(self._any_level())
        if self._is_refused(searcher.find_studies, query):
            return
        stated = completeness_of(searcher.find_studies(query))

        if self.features.states_completeness:
            assert Completeness.COMPLETE is stated
        assert Completeness.CAPPED is not stated

    def test_capped_result_says_so(self, capped_searcher: Searcher) -> None:
        """A result that is cut short does not pass for everything."""
        result = self._find_all(capped_searcher, self._any_level())

        assert set(_uids(result)) < set(_uids(TREE))
        assert Completeness.COMPLETE is not completeness_of(result)
        if self.features.states_completeness:
            assert Completeness.CAPPED is completeness_of(result)

    def _is_refused(self, find: Callable[[Query], object], query: Query) -> bool:
        """Say whether *query* holds what is not claimed; it must be refused then, by name."""
        unclaimed = list(self.features.unclaimed(query))
        if not unclaimed:
            return False
        with pytest.raises(UnsupportedParameterError) as caught:
            find(query)

        assert caught.value.parameter in unclaimed
        _assert_no_patient(caught.value, query)
        return True

    def _any_level(self) -> QueryLevels:
        """Return the level that costs least."""
        return max(self.features.levels, key=DICOMObjectLevels.from_query_level)

    def _find_all(self, searcher: Searcher, level: QueryLevels) -> Sequence[Study]:
        """Find everything; nothing at a level that is not claimed, of which other tests think."""
        if level not in self.features.levels:
            return ()
        return searcher.find_studies(Query(query_level=level))


def _assert_no_patient(error: Exception, query: Query) -> None:
    """No message holds what a patient was searched by."""
    for name in _PATIENT:
        value: str = query.parameters().get(name, "")

        assert not value or value not in str(error)


def _by_name(studies: Iterable[Study]) -> dict[str, DICOMObject]:
    objects: list[DICOMObject] = []
    for study in studies:
        objects += [study, *study.all_series(), *study.all_instances()]
    return {str(obj.reference()): obj for obj in objects}


def _uids(objects: Iterable[DICOMObject]) -> list[str]:
    return sorted(obj.uid for obj in objects)


def _fields(studies: Iterable[Study], keyword: str, level: DICOMObjectLevels) -> dict[str, str]:
    objects = _by_name(studies).items()
    return {name: text(obj.data, keyword) for name, obj in objects if obj.level == level}


def _names(studies: Iterable[Study], level: DICOMObjectLevels) -> list[str]:
    return sorted(str(reference) for reference in to_references(studies, level))
