"""`QidoRS` against an archive in memory, whose faults are switched on one by one."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from fnmatch import fnmatchcase
from threading import current_thread
from typing import Any
from urllib.parse import parse_qsl, unquote

import attrs
import pytest
from requests import Session

from gurney.core import (
    BusyError,
    Completeness,
    ExtendedQuery,
    InvalidInputError,
    NotFoundError,
    ProtocolViolationError,
    Query,
    QueryLevels,
    RequestRefusedError,
    SearchResult,
    TransferInterruptedError,
)
from gurney.dicomweb import DICOMwebQuery, QidoRS
from gurney.http import Answer, Retries, Transport
from gurney.http.failures import failure_of_status

STUDY, SERIES, INSTANCE = QueryLevels
SECRET = "DOE^JANE"
LEVELS = ("studies", "series", "instances")
UIDS = ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID")
ALWAYS = {
    "studies": {"StudyInstanceUID", "PatientID", "PatientName", "StudyDate", "StudyTime"},
    "series": {"StudyInstanceUID", "SeriesInstanceUID", "SeriesNumber"},
    "instances": {*UIDS, "InstanceNumber"},
}
Item = dict[str, Any]


@attrs.define
class Reply:
    """What comes back; several heads of one answer can be set."""

    body: bytes
    status: int = 200
    headers: dict[str, str] = attrs.field(factory=dict[str, str])
    framed: bool = True
    cut: bool = False


@attrs.define
class Asked:
    """A request: its path, its parameters, and what they mean."""

    path: str
    params: list[tuple[str, str]]
    raw: str

    @property
    def resource(self) -> str:
        return self.path.rsplit("/", 1)[-1]

    @property
    def keys(self) -> dict[str, str]:
        options = {"includefield", "limit", "offset", "fuzzymatching", "emptyvaluematching"}
        return {name: value for name, value in self.params if name not in options}

    @property
    def fields(self) -> set[str]:
        return {value for name, value in self.params if name == "includefield"}

    def number(self, name: str) -> int | None:
        return next((int(value) for key, value in self.params if key == name), None)


Fault = Callable[["Archive", Asked], "Reply | None"]


class Archive(Transport):
    """An archive, instead of a line to one."""

    def __init__(self, instances: list[Item], *faults: Fault) -> None:
        super().__init__(
            "https://archive.example/dicom-web", retries=Retries(attempts=3, sleep=lambda _: None)
        )
        self.instances: list[Item] = instances
        self.faults: list[Fault] = list(faults)
        self.asked: list[Asked] = []
        self.cap: dict[str, int] = {}  # by resource: silent, and before the offset
        self.most: int = 10_000  # items a page
        self.ignored: set[str] = set()  # keys
        self.unknown: set[str] = set()  # keys by which nothing is found
        self.hidden: set[str] = set()  # attributes that are never returned
        self.more: dict[str, Any] = {}  # what every item says besides
        self.decodes: bool = True
        self.lists: bool = True  # of UIDs

    def get(
        self,
        path: str = "",
        *,
        params: str = "",
        headers: Mapping[str, str] | None = None,
        retries: Retries | None = None,
    ) -> Answer:
        assert ({"Accept": "application/dicom+json"}, None) == (headers, retries)
        asked = Asked(unquote(path), parse_qsl(params, keep_blank_values=True), params)
        self.asked.append(asked)
        reply = next(filter(None, (fault(self, asked) for fault in self.faults)), None)
        reply = reply or self.answer(asked)
        failure = failure_of_status(f"GET {path}", reply.status, reply.headers)
        if failure is not None:
            raise failure
        length = {"content-length": str(len(reply.body))} if reply.framed else {}
        return Answer(
            asked=f"GET {path}",
            url=path,
            status=reply.status,
            headers={**length, **reply.headers},
            chunks=self._chunks(reply),
            document_budget=1 << 28,
            resources=ExitStack(),
        )

    def _chunks(self, reply: Reply) -> Iterator[bytes]:
        yield reply.body
        if reply.cut:
            raise TransferInterruptedError("GET", "it was cut")

    def answer(self, asked: Asked) -> Reply:
        """Answer as it should be."""
        return Reply(json.dumps(self.page(asked)).encode())

    def page(self, asked: Asked) -> list[Item]:
        offset, limit = asked.number("offset") or 0, asked.number("limit")
        size = min(self.most, self.most if limit is None else limit)
        return self.listing(asked)[offset : offset + size]

    def listing(self, asked: Asked) -> list[Item]:
        resource = asked.resource
        if not self.decodes and "%" in asked.raw.split("&includefield")[0]:
            return []
        if self.unknown & asked.keys.keys():
            return []
        found: dict[tuple[str, ...], Item] = {}
        depth = LEVELS.index(resource) + 1
        above = dict(zip(UIDS, asked.path.split("/")[1::2], strict=False))
        for instance in self.instances:
            described = self.described(instance)
            if any(instance[uid] != value for uid, value in above.items()):
                continue
            if all(self.matches(described, *key) for key in asked.keys.items()):
                wanted = (ALWAYS[resource] | asked.fields) - self.hidden
                found.setdefault(
                    tuple(instance[uid] for uid in UIDS[:depth]),
                    {name: value for name, value in described.items() if name in wanted},
                )
        return [{**one, **self.more} for one in found.values()][: self.cap.get(resource)]

    def described(self, instance: Item) -> Item:
        study = [one for one in self.instances if one[UIDS[0]] == instance[UIDS[0]]]
        series = [one for one in study if one[UIDS[1]] == instance[UIDS[1]]]
        return {
            **instance,
            "NumberOfStudyRelatedSeries": len({one[UIDS[1]] for one in study}),
            "NumberOfStudyRelatedInstances": len(study),
            "NumberOfSeriesRelatedInstances": len(series),
            "ModalitiesInStudy": {"Value": sorted({one["Modality"] for one in study})},
        }

    def matches(self, item: Item, name: str, value: str) -> bool:
        if name in self.ignored:
            return True
        if value == '""':
            return not item.get(name)
        own = item.get(name, "")
        if name == "ModalitiesInStudy":
            return value in own["Value"]
        if name in UIDS and self.lists:
            return own in value.split(",")
        if name in ("StudyDate", "StudyTime") and "-" in value:
            first, last = value.split("-")
            return bool(own) and first <= own and (not last or own <= last)
        if name.endswith("Number"):
            return str(own) == value
        return fnmatchcase(own, value)


def study(number: int, *, series: int = 1, instances: int = 1, **values: Any) -> list[Item]:
    """Return the instances of a study."""
    uid = f"1.2.{number}"
    return [
        {
            "StudyInstanceUID": uid,
            "SeriesInstanceUID": f"{uid}.{s}",
            "SOPInstanceUID": f"{uid}.{s}.{i}",
            "SeriesNumber": s,
            "InstanceNumber": i,
            "PatientID": f"P{number}",
            "PatientName": "DOE^JOHN",
            "StudyDate": f"202401{number % 28 + 1:02}",
            "StudyTime": "120000",
            "Modality": "CT",
            "SeriesDescription": f"series {s}",
            "InstitutionName": "North",
            "StudyDescription": "Thorax",
            **values,
        }
        for s in range(1, series + 1)
        for i in range(1, instances + 1)
    ]


def studies(count: int, **values: Any) -> list[Item]:
    """Return the instances of several studies."""
    return [item for number in range(1, count + 1) for item in study(number, **values)]


def uids(result: SearchResult) -> list[str]:
    """Return the UIDs of the studies."""
    return [found.uid for found in result]


def paths(archive: Archive) -> list[str]:
    """Return what was asked for, in order."""
    return [asked.path for asked in archive.asked]


def size(result: SearchResult) -> tuple[int, int, int]:
    """Return the numbers of studies, series and instances."""
    return (
        len(result),
        sum(len(found.series) for found in result),
        sum(len(found.all_instances()) for found in result),
    )


def said(result: SearchResult) -> str:
    """Return all that a result says in words."""
    held_back = [held.reason for held in result.held_back]
    return "\n".join([*result.reasons, *result.notes, *held_back])


def status(code: int, when: Callable[[Asked], bool] = lambda _: True) -> Fault:
    """Return a fault: this status code, for such requests."""
    return lambda _, asked: Reply(b"", code) if when(asked) else None


def always(reply: Reply) -> Fault:
    """Return a fault: this reply, whatever is asked."""
    return lambda _, __: reply


# ---------------------------------------------------------------- levels


@pytest.mark.parametrize("relational", [False, True])
@pytest.mark.parametrize(
    ("level", "expected"), [(STUDY, (3, 0, 0)), (SERIES, (3, 6, 0)), (INSTANCE, (3, 6, 12))]
)
def test_studies_come_filled_down_to_the_level(
    level: QueryLevels, expected: tuple[int, ...], relational: bool
) -> None:
    """All three levels, in both forms, are known to be complete."""
    archive = Archive(studies(3, series=2, instances=2))
    result = QidoRS(archive, relational=relational).find_studies(Query(query_level=level))

    assert expected == size(result)
    assert result.complete
    assert "" == said(result)


def test_hierarchical_form_asks_study_by_study() -> None:
    """By default nothing is asked for that many archives cannot do."""
    archive = Archive(studies(2))
    QidoRS(archive).find_studies(Query(query_level=INSTANCE))

    assert {
        "studies",
        "studies/1.2.1/series",
        "studies/1.2.2/series",
        "studies/1.2.1/instances",
        "studies/1.2.2/instances",
    } == set(paths(archive))


def test_relational_form_asks_once() -> None:
    """Series and instances of all studies are one listing."""
    archive = Archive(studies(5))
    QidoRS(archive, relational=True).find_studies(Query(query_level=INSTANCE))

    assert {"studies", "instances"} == set(paths(archive))


@pytest.mark.parametrize("code", [400, 404, 405, 501])
def test_relational_form_gives_way(code: int) -> None:
    """An archive that cannot is asked study by study."""
    archive = Archive(studies(2), status(code, lambda asked: asked.path == "instances"))
    result = QidoRS(archive, relational=True).find_studies(Query(query_level=INSTANCE))

    assert (2, 2, 2) == size(result)
    assert result.complete


def test_relational_form_is_counted() -> None:
    """What such a listing leaves out is asked for study by study."""
    archive = Archive(studies(4, instances=2))
    archive.faults.append(
        lambda archive, asked: (
            Reply(json.dumps(archive.listing(asked)[:3][asked.number("offset") or 0 :]).encode())
            if asked.path == "instances"
            else None
        )
    )
    result = QidoRS(archive, relational=True).find_studies(Query(query_level=INSTANCE))

    assert (4, 4, 8) == size(result)
    assert result.complete
    assert "studies/1.2.2/instances" in paths(archive)
    assert "studies/1.2.1/instances" not in paths(archive)


def test_order_is_the_archives() -> None:
    """Studies are in order, though several are asked about at a time."""
    archive = Archive([*study(3), *study(1), *study(2)])
    result = QidoRS(archive, parallel=3).find_studies(Query(query_level=SERIES))

    assert ["1.2.3", "1.2.1", "1.2.2"] == uids(result)


def test_fields_are_named() -> None:
    """Counts have to be asked for (Q20); `all` is not understood by all."""
    archive = Archive(studies(1))
    QidoRS(archive).find_studies(Query(query_level=SERIES, include_fields=["StudyID"]))
    of_studies, of_series = archive.asked[0].fields, archive.asked[-1].fields

    assert {"NumberOfStudyRelatedSeries", "ModalitiesInStudy", "StudyID"} <= of_studies
    assert {"NumberOfSeriesRelatedInstances", "StudyInstanceUID"} <= of_series
    assert "all" not in of_studies | of_series


def test_fields_that_cannot_come_are_named() -> None:
    """A field of an instance is not returned for a study; that is said."""
    result = QidoRS(Archive(studies(1))).find_studies(Query(include_fields=["InstanceNumber"]))

    assert "InstanceNumber" in said(result)
    assert result.complete


def test_what_the_path_says_need_not_be_repeated() -> None:
    """Series and instances of one study may lack its UID (PS3.18 table 10.6.3-4)."""
    archive = Archive(studies(1, series=2))
    archive.hidden = set(UIDS[:1])
    archive.faults.append(
        lambda archive, asked: (
            Reply(json.dumps([{**one, UIDS[0]: "1.2.1"} for one in archive.page(asked)]).encode())
            if asked.path == "studies"
            else None
        )
    )
    result = QidoRS(archive).find_studies(Query(query_level=INSTANCE))

    assert (1, 2, 2) == size(result)
    assert result.complete


def test_what_is_of_another_study_is_held_back() -> None:
    """It is not added to a tree where it does not belong."""
    archive = Archive([*study(1), *study(2)])
    archive.faults.append(
        lambda archive, asked: (
            archive.answer(Asked("series", [], ""))
            if asked.path == "studies/1.2.1/series" and not asked.number("offset")
            else None
        )
    )
    result = QidoRS(archive).find_studies(Query(StudyInstanceUID="1.2.1", query_level=SERIES))

    assert ["1.2.1.1"] == [series.uid for series in result[0].series]
    assert ["is not part of what was listed"] == [held.reason for held in result.held_back]


# ---------------------------------------------------------------- pages


def test_only_an_empty_page_is_the_end() -> None:
    """A short page is none (Q09), and the offset advances by what came (Q07)."""
    archive = Archive(studies(7))
    archive.most = 3
    result = QidoRS(archive, max_requests=0).find_studies(Query())

    assert 7 == len(result)
    assert [None, 3, 6, 7] == [asked.number("offset") for asked in archive.asked]


@pytest.mark.parametrize("reply", [Reply(b"", 204), Reply(b"[]")], ids=["Q01", "Q02"])
def test_nothing_is_complete(reply: Reply) -> None:
    """No study matches, and that is known."""
    result = QidoRS(Archive([], always(reply))).find_studies(Query(PatientID="7"))

    assert [] == list(result)
    assert result.complete
    assert "" == said(result)


@pytest.mark.parametrize("body", [b'["6816cb19-844d5aee"]', b'[{"ID": "x"}, 7]', b"[{}]"])
def test_what_is_no_dicom_is_told(body: bytes) -> None:
    """The address may be that of another service, an archive's own say: that is not "none"."""
    with pytest.raises(ProtocolViolationError, match="is the address that of DICOMweb"):
        QidoRS(Archive([], always(Reply(body)))).find_studies(Query())


def test_q03_no_bytes_are_noted() -> None:
    """An empty body is taken for an empty list, and said."""
    result = QidoRS(Archive([], always(Reply(b"")))).find_studies(Query(PatientID="7"))

    assert result.complete
    assert "no content" in said(result)


def test_no_bytes_without_an_end_prove_nothing() -> None:
    """If HTTP does not tell the end of the body, nothing says that this is all of it (W01)."""
    archive = Archive([], always(Reply(b"", framed=False)))
    result = QidoRS(archive).find_studies(Query(PatientID="7"))

    assert Completeness.UNKNOWN is result.completeness


def test_q04_not_found_is_an_error() -> None:
    """It may be the wrong address; only who knows the archive can say otherwise."""
    archive = Archive([], status(404))
    with pytest.raises(NotFoundError):
        QidoRS(archive).find_studies(Query())

    assert QidoRS(archive, missing_is_none=True).find_studies(Query(PatientID="7")).complete


def test_q05_more_is_announced_and_comes() -> None:
    """A warning says that there is more than was counted on; so more is asked for."""
    archive = Archive(studies(1, series=3))
    archive.most = 2
    archive.more = {"NumberOfStudyRelatedSeries": 2}

    def warn(archive: Archive, asked: Asked) -> Reply | None:
        left = len(archive.listing(asked)) - (asked.number("offset") or 0) - archive.most
        if left <= 0:
            return None
        text = f'299 archive "There are {left} additional results that can be requested"'
        return attrs.evolve(archive.answer(asked), headers={"warning": text})

    archive.faults.append(warn)
    result = QidoRS(archive).find_studies(Query(StudyInstanceUID="1.2.1", query_level=SERIES))

    assert (1, 3, 0) == size(result)
    assert "more series of study 1.2.1 are listed than counted" in said(result)


@pytest.mark.parametrize(
    ("code", "headers"),
    [
        (200, {"warning": '299 x "There are 4 additional results that can be requested"'}),
        (200, {"x-total-count": "5"}),
        (206, {}),
    ],
    ids=["warning", "total", "206"],
)
def test_more_is_announced_and_does_not_come(code: int, headers: dict[str, str]) -> None:
    """What an archive promises and does not send is missing."""
    archive = Archive(studies(1))
    archive.faults.append(
        lambda archive, asked: (
            attrs.evolve(archive.answer(asked), status=code, headers=headers)
            if archive.page(asked)
            else None
        )
    )
    result = QidoRS(archive).find_studies(Query())

    assert Completeness.CAPPED is result.completeness


def test_q11_ignored_offset_is_noticed() -> None:
    """Pages that repeat end the listing, and leave it in doubt."""
    archive = Archive(studies(3))
    archive.faults.append(lambda archive, asked: Reply(json.dumps(archive.listing(asked)).encode()))
    result = QidoRS(archive).find_studies(Query())

    assert 3 == len(result)
    assert Completeness.UNKNOWN is result.completeness
    assert "offset" in said(result)
    assert [] == list(result.held_back)


def test_q12_overlapping_pages_are_joined() -> None:
    """What comes again on the next page is passed over in silence."""
    archive = Archive(studies(5))
    archive.faults.append(
        lambda archive, asked: (
            Reply(
                json.dumps(
                    archive.listing(asked)[max((asked.number("offset") or 0) - 1, 0) :][:2]
                ).encode()
            )
            if (asked.number("offset") or 0) < 5
            else None
        )
    )
    result = QidoRS(archive, max_requests=0).find_studies(Query())

    assert [f"1.2.{n}" for n in range(1, 6)] == uids(result)
    assert [] == list(result.held_back)


def test_q13_smaller_pages_are_asked_for_and_remembered() -> None:
    """A limit that is refused is lowered once."""
    archive = Archive(studies(3), status(400, lambda asked: (asked.number("limit") or 0) > 200))
    qido = QidoRS(archive)
    first = qido.find_studies(Query())
    archive.asked.clear()
    second = qido.find_studies(Query())

    assert 3 == len(first) == len(second)
    assert {200} == {asked.number("limit") for asked in archive.asked}
    assert archive.asked[0].fields
    assert "" == said(second)


def test_q13_fields_are_kept_where_any_limit_is_refused() -> None:
    """Without a limit the archive has its own; the counts are still asked for."""
    archive = Archive(studies(3), status(400, lambda asked: asked.number("limit") is not None))
    archive.most = 2
    result = QidoRS(archive).find_studies(Query(query_level=SERIES))

    assert (3, 3, 0) == size(result)
    assert result.complete
    assert "" == said(result)


def test_q21_fields_are_left_out_and_remembered() -> None:
    """An archive that refuses names of fields is asked without, and that is noted."""
    archive = Archive(studies(3), status(400, lambda asked: bool(asked.fields)))
    qido = QidoRS(archive)
    qido.find_studies(Query())
    archive.asked.clear()
    result = qido.find_studies(Query())

    assert 3 == len(result)
    assert not any(asked.fields for asked in archive.asked)
    assert {5000} == {asked.number("limit") for asked in archive.asked}
    assert "fields" in said(result)


def test_bad_requests_stay_errors() -> None:
    """An archive that refuses in every form is not asked forever."""
    archive = Archive([], status(400))
    with pytest.raises(RequestRefusedError):
        QidoRS(archive).find_studies(Query())

    assert len(archive.asked) < 12


def test_refused_further_pages_are_in_doubt() -> None:
    """What has come is kept."""
    archive = Archive(studies(3), status(400, lambda asked: bool(asked.number("offset"))))
    result = QidoRS(archive).find_studies(Query())

    assert 3 == len(result)
    assert Completeness.UNKNOWN is result.completeness


def test_q14_too_much_is_divided() -> None:
    """Status 413 asks for less; less is asked for until all is there."""

    def refuse(archive: Archive, asked: Asked) -> Reply | None:
        return Reply(b"", 413) if len(archive.listing(asked)) > 3 else None

    archive = Archive(studies(10), refuse)
    archive.instances += study(11, StudyDate="20240215")
    result = QidoRS(archive).find_studies(Query(min_study_date="20240101"))

    assert {f"1.2.{n}" for n in range(1, 12)} == set(uids(result))


def test_q14_too_much_of_a_study_is_asked_for_by_series() -> None:
    """Instances of a study that is refused as a whole come by series."""
    archive = Archive(studies(1, series=2, instances=2))
    archive.faults.append(status(413, lambda asked: asked.path == "studies/1.2.1/instances"))
    result = QidoRS(archive).find_studies(Query(query_level=INSTANCE))

    assert (1, 2, 4) == size(result)


def test_cut_answers_are_asked_for_again() -> None:
    """An answer that stops before its end is no page."""
    archive = Archive(studies(2))
    cuts = iter([Reply(b"[", cut=True), Reply(b"[", cut=True)])
    archive.faults.append(lambda _, __: next(cuts, None))

    assert 2 == len(QidoRS(archive).find_studies(Query()))


def test_answers_that_are_always_cut_are_an_error() -> None:
    """Somebody else has to know."""
    archive = Archive([], always(Reply(b"[", cut=True)))
    with pytest.raises(TransferInterruptedError):
        QidoRS(archive).find_studies(Query())

    assert 3 == len(archive.asked)


@pytest.mark.parametrize("lost", [1, 30])
def test_json_that_was_cut_unnoticed_is_asked_for_again(lost: int) -> None:
    """The rest comes the next time; what came before is not doubled (W01)."""
    archive = Archive(studies(2))
    cut = iter([True])
    archive.faults.append(
        lambda archive, asked: (
            Reply(archive.answer(asked).body[:-lost], framed=False) if next(cut, False) else None
        )
    )
    result = QidoRS(archive).find_studies(Query())

    assert ["1.2.1", "1.2.2"] == uids(result)
    assert result.complete
    assert [] == list(result.held_back)


def test_broken_json_is_an_error() -> None:
    """If HTTP says that the body is whole, asking again is no use."""
    archive = Archive([], always(Reply(b"[{")))
    with pytest.raises(ProtocolViolationError):
        QidoRS(archive).find_studies(Query())

    assert 1 == len(archive.asked)


# ---------------------------------------------------------------- silent caps, counts


def test_q08_silent_cap_of_studies_is_found_out() -> None:
    """Parts of the question bring what the whole question left out."""
    archive = Archive(studies(18))
    archive.cap = {"studies": 5}
    result = QidoRS(archive).find_studies(Query())

    assert {f"1.2.{n}" for n in range(1, 19)} == set(uids(result))
    assert Completeness.CAPPED is not result.completeness


def test_cap_is_not_passed_off_as_everything_without_a_budget() -> None:
    """Who may not ask cannot know."""
    archive = Archive(studies(18))
    archive.cap = {"studies": 5}
    result = QidoRS(archive, max_requests=0).find_studies(Query())

    assert 5 == len(result)
    assert not result.complete


def test_budget_of_requests_is_kept() -> None:
    """Listing pages is free; dividing is not."""
    archive = Archive(studies(28))
    archive.cap = {"studies": 2}
    QidoRS(archive, max_requests=3).find_studies(Query())

    assert 3 == sum(1 for asked in archive.asked if asked.keys and not asked.number("offset"))


def test_budget_is_for_all_questions_together() -> None:
    """Modalities are asked for one by one, from one budget."""
    archive = Archive(
        [*studies(14), *(one for n in range(15, 28) for one in study(n, Modality="MR"))]
    )
    archive.cap = {"studies": 2}
    QidoRS(archive, max_requests=5).find_studies(Query(ModalitiesInStudy=["CT", "MR"]))
    parts = [asked for asked in archive.asked if len(asked.keys) > 1 and not asked.number("offset")]

    assert 5 == len(parts)


def test_parts_are_closed_towards_the_past() -> None:
    """To Orthanc no date is earlier than any; such studies would fill a part that is open."""
    archive = Archive(studies(9))
    archive.cap = {"studies": 4}
    QidoRS(archive).find_studies(Query())
    asked = [asked.keys["StudyDate"] for asked in archive.asked if asked.keys]

    assert asked
    assert not any(dates.startswith("-") for dates in asked)


def test_a_length_once_proved_is_not_proved_again() -> None:
    """Shorter listings of the same archive are not cut."""
    archive = Archive(studies(9))
    qido = QidoRS(archive)
    qido.find_studies(Query())
    archive.asked.clear()
    result = qido.find_studies(Query(PatientID="P3"))

    assert ["1.2.3"] == uids(result)
    assert result.complete
    assert 2 == len(archive.asked)


def test_q08_silent_cap_of_instances_is_filled_by_number() -> None:
    """What the counts promise is asked for one by one."""
    archive = Archive(studies(1, instances=18))
    archive.cap = {"instances": 5}
    result = QidoRS(archive).find_studies(Query(StudyInstanceUID="1.2.1", query_level=INSTANCE))

    assert (1, 1, 18) == size(result)
    assert result.complete
    assert [] == list(result.held_back)


def test_silent_cap_of_series_is_filled_by_number() -> None:
    """The same for series."""
    archive = Archive(studies(1, series=9))
    archive.cap = {"series": 4}
    result = QidoRS(archive).find_studies(Query(query_level=SERIES))

    assert (1, 9, 0) == size(result)
    assert result.complete


def test_part_of_what_was_cut_is_capped() -> None:
    """If asking by number brings something but not all, the rest is missing."""
    archive = Archive(studies(1, instances=18))
    archive.cap = {"instances": 5}
    result = QidoRS(archive, max_requests=4).find_studies(
        Query(StudyInstanceUID="1.2.1", query_level=INSTANCE)
    )

    assert (1, 1, 9) == size(result)
    assert Completeness.CAPPED is result.completeness
    assert "9 of 18" in said(result)


@pytest.mark.parametrize("level", [SERIES, INSTANCE])
def test_count_that_is_too_large_leaves_doubt(level: QueryLevels) -> None:
    """If nothing more comes, asked again and by number, the count may be stale."""
    archive = Archive(studies(1, series=2, instances=2))
    archive.more = {"NumberOfStudyRelatedSeries": 3, "NumberOfStudyRelatedInstances": 7}
    result = QidoRS(archive).find_studies(Query(query_level=level))

    assert Completeness.UNKNOWN is result.completeness
    assert "2 of 3" in said(result)


def test_short_listing_is_asked_for_again() -> None:
    """Perhaps it was an accident: the second time everything comes."""
    archive = Archive(studies(1, series=3))
    archive.hidden = {"SeriesNumber"}
    short = iter([1, 0])  # a short page, and the empty one after it
    archive.faults.append(
        lambda archive, asked: (
            Reply(json.dumps(archive.page(asked)[: next(short, None)]).encode())
            if asked.resource == "series"
            else None
        )
    )
    result = QidoRS(archive).find_studies(Query(query_level=SERIES))

    assert (1, 3, 0) == size(result)
    assert result.complete
    assert not any("SeriesNumber" in asked.keys for asked in archive.asked)


def test_series_that_come_short_are_asked_for_by_themselves() -> None:
    """A study whose instances do not come at once may give them by series."""
    archive = Archive(studies(1, series=3, instances=2))
    archive.faults.append(
        lambda archive, asked: (
            Reply(json.dumps(archive.page(asked)[:3]).encode())
            if asked.path == "studies/1.2.1/instances"
            else None
        )
    )
    result = QidoRS(archive).find_studies(Query(query_level=INSTANCE))

    assert (1, 3, 6) == size(result)
    assert result.complete
    assert "studies/1.2.1/series/1.2.1.1/instances" not in paths(archive)


@pytest.mark.parametrize("level", [SERIES, INSTANCE])
def test_without_counts_nobody_knows(level: QueryLevels) -> None:
    """Absent is unknown, not zero (Q20)."""
    archive = Archive(studies(1))
    archive.hidden = {
        "NumberOfStudyRelatedSeries",
        "NumberOfStudyRelatedInstances",
        "NumberOfSeriesRelatedInstances",
    }
    result = QidoRS(archive).find_studies(Query(query_level=level))

    assert Completeness.UNKNOWN is result.completeness
    assert "does not say how many" in said(result)


def test_study_count_is_enough() -> None:
    """Series need not count, if the study does; what comes short is asked for by series."""
    archive = Archive(studies(1, series=3, instances=2))
    archive.hidden = {"NumberOfSeriesRelatedInstances"}
    archive.faults.append(
        lambda archive, asked: (
            Reply(json.dumps(archive.listing(asked)[:3][asked.number("offset") or 0 :]).encode())
            if asked.path == "studies/1.2.1/instances"
            else None
        )
    )
    result = QidoRS(archive).find_studies(Query(query_level=INSTANCE))

    assert (1, 3, 6) == size(result)
    assert result.complete
    assert [] == list(result.held_back)


def test_study_count_that_is_not_reached_leaves_doubt() -> None:
    """Also if no series counts."""
    archive = Archive(studies(1, instances=2))
    archive.hidden = {"NumberOfSeriesRelatedInstances"}
    archive.more = {"NumberOfStudyRelatedInstances": 7}
    result = QidoRS(archive).find_studies(Query(query_level=INSTANCE))

    assert Completeness.UNKNOWN is result.completeness
    assert "2 of 7" in said(result)


def test_stale_counts_cost_little() -> None:
    """One that is counted and not there does not make us ask for each of the others."""
    archive = Archive(studies(1, instances=60))
    archive.more = {"NumberOfSeriesRelatedInstances": 61}
    result = QidoRS(archive).find_studies(Query(StudyInstanceUID="1.2.1", query_level=INSTANCE))

    assert Completeness.UNKNOWN is result.completeness
    numbers = [asked.keys.get("InstanceNumber") for asked in archive.asked]
    assert len({*numbers}) < 30


def test_part_of_the_series_is_capped() -> None:
    """If asking by number brings something but not all, the rest is missing."""
    archive = Archive(studies(1, series=9))
    archive.cap = {"series": 4}
    result = QidoRS(archive, max_requests=2).find_studies(
        Query(StudyInstanceUID="1.2.1", query_level=SERIES)
    )

    assert (1, 6, 0) == size(result)
    assert Completeness.CAPPED is result.completeness


def test_series_that_are_too_many_to_list_are_missing() -> None:
    """Status 413 for the series of a study that counts nothing."""
    archive = Archive(studies(1), status(413, lambda asked: asked.resource == "series"))
    archive.hidden = {"NumberOfStudyRelatedSeries"}
    result = QidoRS(archive).find_studies(Query(query_level=SERIES))

    assert Completeness.CAPPED is result.completeness


def test_instances_of_another_study_are_held_back() -> None:
    """They are not added to a tree where they do not belong."""
    archive = Archive([*study(1), *study(2)])
    archive.faults.append(
        lambda archive, asked: (
            archive.answer(Asked("instances", [], ""))
            if asked.path == "studies/1.2.1/instances"
            else None
        )
    )
    result = QidoRS(archive).find_studies(Query(StudyInstanceUID="1.2.1", query_level=INSTANCE))

    assert ["1.2.1.1.1"] == [instance.uid for instance in result[0].all_instances()]
    assert {"is not part of what was listed"} == {held.reason for held in result.held_back}


def test_relational_listing_of_series_is_counted() -> None:
    """What it leaves out is asked for study by study."""
    archive = Archive(studies(2, series=2))
    archive.faults.append(
        lambda archive, asked: (
            Reply(json.dumps(archive.listing(asked)[:3][asked.number("offset") or 0 :]).encode())
            if asked.path == "series"
            else None
        )
    )
    result = QidoRS(archive, relational=True).find_studies(Query(query_level=SERIES))

    assert (2, 4, 0) == size(result)
    assert "studies/1.2.2/series" in paths(archive)


def test_more_instances_than_are_counted_are_noted() -> None:
    """The same for instances."""
    archive = Archive(studies(1, instances=3))
    archive.hidden = {"NumberOfSeriesRelatedInstances"}
    archive.more = {"NumberOfStudyRelatedInstances": 2}
    result = QidoRS(archive).find_studies(Query(query_level=INSTANCE))

    assert (1, 1, 3) == size(result)
    assert "more instances" in said(result)


def test_no_empty_page_is_asked_for_when_counts_agree() -> None:
    """Two requests for a study of known size, and one for the study itself."""
    archive = Archive(studies(1, series=2, instances=3))
    result = QidoRS(archive).find_studies(Query(StudyInstanceUID="1.2.1", query_level=INSTANCE))

    assert result.complete
    assert ["studies", "studies/1.2.1/series", "studies/1.2.1/instances"] == paths(archive)


def test_more_than_is_counted_is_noted() -> None:
    """Then the count is wrong, and nothing is missing."""
    archive = Archive(studies(1, series=3))
    archive.more = {"NumberOfStudyRelatedSeries": 1}
    result = QidoRS(archive).find_studies(Query(query_level=SERIES))

    assert (1, 3, 0) == size(result)
    assert "more series" in said(result)


def test_one_study_that_fails_does_not_spoil_the_others() -> None:
    """It is returned, and its branch is missing: loudly."""
    archive = Archive(studies(3), status(500, lambda asked: "/1.2.2/" in asked.path))
    result = QidoRS(archive).find_studies(Query(query_level=SERIES))

    assert (3, 2, 0) == size(result)
    assert Completeness.CAPPED is result.completeness
    assert "1.2.2" in said(result)


def test_failure_of_all_studies_is_an_error() -> None:
    """There is nothing to return."""
    archive = Archive(studies(3), status(500, lambda asked: asked.resource == "series"))

    with pytest.raises(BusyError):
        QidoRS(archive).find_studies(Query(query_level=SERIES))


# ---------------------------------------------------------------- items


def test_q15_ignored_key_is_named() -> None:
    """What does not match is held back; that all came, whatever the key, is said."""
    archive = Archive(studies(4))
    archive.ignored = {"PatientID"}
    result = QidoRS(archive).find_studies(Query(PatientID="nobody"))

    assert [] == list(result)
    assert 4 == len(result.held_back)
    assert {"does not match PatientID"} == {held.reason for held in result.held_back}
    assert "does not heed PatientID" in said(result)


def test_key_is_not_called_ignored_if_something_matches() -> None:
    """The archive may know better what it matched by."""
    archive = Archive(studies(4))
    archive.ignored = {"PatientID"}
    result = QidoRS(archive).find_studies(Query(PatientID="P2"))

    assert ["1.2.2"] == uids(result)
    assert 3 == len(result.held_back)
    assert "heed" not in said(result)


def test_dates_are_checked() -> None:
    """A study of another day is held back."""
    archive = Archive(studies(3))
    archive.ignored = {"StudyDate"}
    result = QidoRS(archive).find_studies(Query(min_study_date="20240103"))

    assert ["1.2.2", "1.2.3"] == uids(result)
    assert ["does not match StudyDate"] == [held.reason for held in result.held_back]


def test_key_that_does_something_is_not_called_ignored() -> None:
    """An archive may match in a wider sense."""
    archive = Archive([*study(1), *study(2, PatientID="x1")])
    archive.faults.append(
        lambda archive, asked: archive.answer(
            attrs.evolve(
                asked,
                params=[(k, "x*" if k == "PatientID" else v) for k, v in asked.params],
            )
        )
    )
    result = QidoRS(archive).find_studies(Query(PatientID="x"))

    assert [] == list(result)
    assert "heed" not in said(result)


def test_q16_unknown_key_leaves_doubt() -> None:
    """An archive that finds nothing by any value of a key may not know it."""
    archive = Archive(studies(3))
    archive.unknown = {"StudyDescription"}
    result = QidoRS(archive).find_studies(ExtendedQuery(StudyDescription="Thorax"))

    assert Completeness.UNKNOWN is result.completeness
    assert "StudyDescription" in said(result)


def test_known_key_that_finds_nothing_is_believed() -> None:
    """It finds something by another value; that is remembered."""
    archive = Archive(studies(3))
    qido = QidoRS(archive)
    first = qido.find_studies(ExtendedQuery(StudyDescription="Head"))
    archive.asked.clear()
    second = qido.find_studies(ExtendedQuery(StudyDescription="Hand"))

    assert first.complete
    assert second.complete
    assert 1 == len(archive.asked)


def test_unverified_keys_are_noted() -> None:
    """Studies that do not show what was searched by are returned, and counted."""
    archive = Archive(studies(3))
    archive.hidden = {"StudyDescription"}
    result = QidoRS(archive).find_studies(ExtendedQuery(StudyDescription="Thorax"))

    assert 3 == len(result)
    assert "3 of what was found is included although StudyDescription" in said(result)


def test_q18_modalities_are_asked_for_one_by_one() -> None:
    """What a list means differs; the union is what was asked for."""
    archive = Archive([*study(1), *study(2, Modality="MR"), *study(3, Modality="US")])
    result = QidoRS(archive).find_studies(Query(ModalitiesInStudy=["MR", "CT"]))

    assert {"1.2.1", "1.2.2"} == set(uids(result))
    assert {"CT", "MR"} == {asked.keys["ModalitiesInStudy"] for asked in archive.asked}


def test_q18_uids_are_asked_for_one_by_one_if_lists_find_nothing() -> None:
    """Whether an archive understands lists is seen by what comes."""
    archive = Archive(studies(5))
    archive.lists = False
    result = QidoRS(archive).find_studies(Query(StudyInstanceUID=["1.2.2", "1.2.4", "1.2.9"]))

    assert ["1.2.2", "1.2.4"] == sorted(uids(result))
    assert result.complete


def test_uids_are_found_behind_a_cap() -> None:
    """A list longer than what comes at once is filled up one by one."""
    archive = Archive(studies(5))
    archive.cap = {"studies": 2}
    result = QidoRS(archive).find_studies(Query(StudyInstanceUID=[f"1.2.{n}" for n in range(1, 6)]))

    assert 5 == len(result)
    assert result.complete


def test_study_is_looked_for_among_those_that_a_key_does_not_choose() -> None:
    """An archive that ignores StudyInstanceUID lists all; the one is among them."""
    archive = Archive(studies(5))
    archive.ignored = {"StudyInstanceUID"}
    archive.most = 2
    result = QidoRS(archive).find_studies(Query(StudyInstanceUID="1.2.5"))

    assert ["1.2.5"] == uids(result)
    assert 4 == len(result.held_back)


def test_many_uids_are_asked_for_in_several_requests() -> None:
    """URLs have a length that servers limit."""
    archive = Archive(studies(28))
    wanted = [f"1.2.{n}" for n in range(1, 29)]
    result = QidoRS(archive).find_studies(Query(StudyInstanceUID=wanted))

    assert wanted == uids(result)
    assert [20, 8] == [len(asked.keys[UIDS[0]].split(",")) for asked in archive.asked]


def test_q22_items_without_a_uid_and_doubles_are_held_back() -> None:
    """They are counted, and cannot be part of a tree."""
    archive = Archive(studies(2))
    archive.faults.append(
        lambda archive, asked: (
            Reply(
                json.dumps(
                    [*archive.page(asked), {"PatientID": "P1"}, archive.page(asked)[0]]
                ).encode()
            )
            if archive.page(asked) and not asked.keys
            else None
        )
    )
    result = QidoRS(archive).find_studies(Query())

    assert ["1.2.1", "1.2.2"] == uids(result)
    assert 2 == len(result.held_back)
    assert "more than once" in said(result)


def test_doubled_series_are_held_back_once() -> None:
    """The same below the study."""
    archive = Archive(studies(1, series=2))
    archive.faults.append(
        lambda archive, asked: (
            Reply(json.dumps(archive.page(asked) * 2).encode())
            if asked.resource == "series"
            else None
        )
    )
    result = QidoRS(archive).find_studies(Query(query_level=SERIES))

    assert (1, 2, 0) == size(result)
    assert ["is listed more than once"] * 2 == [held.reason for held in result.held_back]


def test_q33_counts_of_two_patients_add_up() -> None:
    """A study listed for each patient is one study, with the series of both."""
    archive = Archive([*study(1, series=2)])
    archive.faults.append(
        lambda archive, asked: (
            Reply(
                json.dumps(
                    [
                        {**one, "PatientID": patient, "NumberOfStudyRelatedSeries": 1}
                        for one in archive.page(asked)
                        for patient in ("A", "B")
                    ]
                ).encode()
            )
            if asked.path == "studies"
            else None
        )
    )
    archive.cap = {"series": 1}
    result = QidoRS(archive).find_studies(Query(query_level=SERIES))

    assert (1, 2, 0) == size(result)
    assert "more than one PatientID" in said(result)


def test_q33_patients_may_share_a_series() -> None:
    """Listed for each of them, it counts as two series, with the instances of both."""
    archive = Archive(study(1, series=1, instances=4))

    def once_for_each_patient(archive: Archive, asked: Asked) -> Reply | None:
        if asked.resource == "instances":
            return None
        halves = {"NumberOfStudyRelatedInstances": 2, "NumberOfSeriesRelatedInstances": 2}
        page = archive.page(asked)
        rows = [{**one, **halves, "PatientID": patient} for one in page for patient in ("A", "B")]
        return Reply(json.dumps(rows).encode())

    archive.faults.append(once_for_each_patient)
    result = QidoRS(archive).find_studies(Query(query_level=INSTANCE))

    assert (1, 1, 4) == size(result)
    assert result.complete
    assert "PatientID" in next(a.fields for a in archive.asked if a.resource == "series")


def test_a_stored_count_is_no_proof_against_the_series() -> None:
    """Some archives return what a file once said; the series, all there, count what they hold."""
    archive = Archive(study(1, series=2, instances=2))
    archive.faults.append(
        lambda archive, asked: (
            Reply(
                json.dumps(
                    [{**one, "NumberOfStudyRelatedInstances": 99} for one in archive.page(asked)]
                ).encode()
            )
            if asked.path == "studies"
            else None
        )
    )
    result = QidoRS(archive).find_studies(Query(query_level=INSTANCE))

    assert result.complete
    assert "counts 99 instances" in " ".join(result.notes)


def test_an_asterisk_alone_is_not_sent() -> None:
    """It matches anything; some archives would leave out what has no value at all."""
    archive = Archive(studies(3))
    QidoRS(archive).find_studies(Query(PatientName="*", AccessionNumber="**"))

    assert {} == archive.asked[0].keys
    assert {"PatientName", "AccessionNumber"} <= archive.asked[0].fields


def test_q33_patients_may_be_on_two_pages() -> None:
    """The second row is no overlap of pages."""
    archive = Archive(study(1))
    rows = [{**archive.page(Asked("studies", [], ""))[0], "PatientID": p} for p in ("A", "B")]
    archive.faults.append(
        lambda _, asked: Reply(json.dumps(rows[(asked.number("offset") or 0) :][:1]).encode())
    )
    result = QidoRS(archive).find_studies(Query())

    assert ["1.2.1"] == uids(result)
    assert "more than one PatientID" in said(result)


# ---------------------------------------------------------------- Q32: spelling


def test_a_name_is_found_whatever_other_groups_it_has() -> None:
    """Archives compare the whole of what is stored; what is only like it is not passed on."""
    names = ["WANG^XIAODONG=\u738b^\u5c0f\u4e1c", "WANG^XIAODONG", "WANG^XIAODONGLI", "WANG"]
    archive = Archive([one for n, name in enumerate(names) for one in study(n, PatientName=name)])
    result = QidoRS(archive).find_studies(Query(PatientName="WANG^XIAODONG"))

    assert ["1.2.0", "1.2.1"] == uids(result)
    assert () == result.held_back
    assert result.complete


def test_what_may_be_a_damaged_spelling_is_not_none() -> None:
    """Q27: some archives store names without the characters that they do not know."""
    archive = Archive(study(1, PatientName="Wasa^Lech"))
    result = QidoRS(archive).find_studies(Query(PatientName="Wa\u0142\u0119sa^Lech"))

    assert ([], "unknown") == (uids(result), result.completeness.value)
    assert "damaged spelling" in " ".join(result.reasons)


def test_q32_another_that_comes_instead_is_no_answer() -> None:
    """What an archive takes the escaped value for may be there, too."""
    archive = Archive([*study(1, PatientID="A%201"), *study(2, PatientID="A 1")])
    archive.decodes = False
    result = QidoRS(archive).find_studies(Query(PatientID="A 1"))

    assert ["1.2.2"] == uids(result)


def test_q15_what_does_not_show_an_ignored_key_is_held_back() -> None:
    """The others prove that the archive does not heed it, so nobody vouches for these."""
    nameless = study(3)
    for one in nameless:
        del one["PatientName"]
    archive = Archive([*study(1, PatientName="DOE"), *study(2, PatientName="ROE"), *nameless])
    archive.ignored = {"PatientName"}
    result = QidoRS(archive).find_studies(Query(PatientName="DOE"))

    assert (["1.2.1"], "unknown") == (uids(result), result.completeness.value)
    assert "does not show PatientName, which the archive does not heed" in said(result)


def test_q32_other_spelling_is_tried() -> None:
    """What an archive does not decode is left to wildcards, and checked here."""
    archive = Archive([*study(1), *study(2, PatientName="DOE^ANN^JOHN")])
    archive.decodes = False
    qido = QidoRS(archive)
    result = qido.find_studies(Query(PatientName="DOE^JOHN"))

    assert ["1.2.1"] == uids(result)
    assert [] == list(result.held_back)
    assert ["DOE^JOHN*", "DOE*JOHN*"] == [asked.keys["PatientName"] for asked in archive.asked[:2]]


def test_q32_is_remembered() -> None:
    """The next search does not ask in vain."""
    archive = Archive(studies(3))
    archive.decodes = False
    qido = QidoRS(archive)
    qido.find_studies(Query(PatientName="DOE^JOHN"))
    archive.asked.clear()
    qido.find_studies(Query(PatientName="DOE^JOHN"))

    assert {"DOE*JOHN*"} == {asked.keys["PatientName"] for asked in archive.asked}


def test_q32_nothing_by_either_spelling_is_nothing() -> None:
    """The wider question would have found it."""
    result = QidoRS(Archive(studies(3))).find_studies(Query(PatientName="ROE^JOHN"))

    assert [] == list(result)
    assert result.complete


def test_q32_text_that_is_nothing_but_escapes_leaves_doubt() -> None:
    """Put wildcards in its place, and all the archive would be asked for."""
    result = QidoRS(Archive(studies(3))).find_studies(Query(PatientName="山田*"))

    assert Completeness.UNKNOWN is result.completeness
    assert "山田" not in said(result)


def test_what_is_found_needs_no_other_spelling() -> None:
    """One question is enough where the archive decodes."""
    archive = Archive(studies(3))
    result = QidoRS(archive).find_studies(Query(PatientName="DOE^JOHN"))

    assert 3 == len(result)
    assert {"DOE^JOHN*"} == {asked.keys["PatientName"] for asked in archive.asked}


# ---------------------------------------------------------------- keys of series


@pytest.mark.parametrize("refused", [False, True])
@pytest.mark.parametrize(
    ("level", "expected"), [(STUDY, (1, 0, 0)), (SERIES, (1, 1, 0)), (INSTANCE, (1, 1, 2))]
)
@pytest.mark.parametrize(
    "values", [{"SeriesInstanceUID": "1.2.2.3"}, {"SeriesDescription": "series 3"}]
)
def test_keys_of_series_choose_studies_and_series(
    values: dict[str, str], level: QueryLevels, expected: tuple[int, ...], refused: bool
) -> None:
    """They are asked of all series at once, or of each study where an archive cannot do that."""
    archive = Archive([*study(1, series=2, instances=2), *study(2, series=3, instances=2)])
    archive.faults += [status(501, lambda asked: asked.path == "series")] if refused else []
    archive.faults.append(
        lambda _, asked: (
            Reply(b"[]")  # as Orthanc: not known to studies
            if asked.path == "studies" and set(values) & asked.keys.keys()
            else None
        )
    )
    result = QidoRS(archive).find_studies(ExtendedQuery(query_level=level, **values))

    assert ["1.2.2"] == uids(result)
    assert expected == size(result)
    assert result.complete


def test_keys_of_a_series_that_are_not_returned_are_asked_for() -> None:
    """What a listing does not show, the archive has to match."""
    archive = Archive([*study(1, series=3)])
    archive.hidden = {"SeriesDescription"}
    result = QidoRS(archive).find_studies(
        ExtendedQuery(StudyInstanceUID="1.2.1", SeriesDescription="series 2", query_level=SERIES)
    )

    assert ["1.2.1.2"] == [series.uid for series in result[0].series]


def test_study_without_such_a_series_is_left_out() -> None:
    """Also if it was asked for by its UID."""
    archive = Archive(studies(2))
    result = QidoRS(archive).find_studies(
        Query(StudyInstanceUID="1.2.1", SeriesInstanceUID="1.2.2.1")
    )

    assert [] == list(result)
    assert result.complete
    assert "series" not in paths(archive)


def test_no_study_is_asked_for_if_no_series_matches() -> None:
    """An empty list of UIDs would mean any."""
    archive = Archive(studies(2))
    result = QidoRS(archive).find_studies(Query(SeriesInstanceUID="1.9"))

    assert [] == list(result)
    assert result.complete
    assert {"series"} == set(paths(archive))


def test_equipment_chooses_whole_studies() -> None:
    """All series of a study are returned, of which one is from there."""
    archive = Archive([*study(1, series=2), *study(2)])
    archive.instances[1]["InstitutionName"] = "South"
    archive.unknown = {"InstitutionName"}  # as Orthanc: it knows that of the first series only
    result = QidoRS(archive).find_studies(
        ExtendedQuery(InstitutionName="South", query_level=SERIES)
    )

    assert ["1.2.1"] == uids(result)
    assert (1, 2, 0) == size(result)
    assert result.complete


def test_equipment_of_many_studies_is_in_doubt() -> None:
    """Too many to look at each: what the archive finds is returned, and not taken for all."""
    archive = Archive(studies(9))
    result = QidoRS(archive, max_requests=8).find_studies(ExtendedQuery(InstitutionName="North"))

    assert 9 == len(result)
    assert Completeness.UNKNOWN is result.completeness
    assert "InstitutionName" in said(result)
    assert "studies/1.2.1/series" not in paths(archive)


# ---------------------------------------------------------------- windows, fuzzy matching


def test_limit_is_kept_and_said() -> None:
    """The caller's own limit makes the result a part."""
    archive = Archive(studies(5))
    result = QidoRS(archive).find_studies(DICOMwebQuery(limit=3))

    assert ["1.2.1", "1.2.2", "1.2.3"] == uids(result)
    assert Completeness.CAPPED is result.completeness
    assert {4} == {asked.number("limit") for asked in archive.asked}


def test_limit_that_is_not_reached_does_no_harm() -> None:
    """All there are is everything."""
    result = QidoRS(Archive(studies(5))).find_studies(DICOMwebQuery(limit=5))

    assert 5 == len(result)
    assert result.complete


def test_offset_passes_over_studies() -> None:
    """What is passed over is not in the result, and that is said."""
    result = QidoRS(Archive(studies(5))).find_studies(DICOMwebQuery(offset=3, limit=9))

    assert ["1.2.4", "1.2.5"] == uids(result)
    assert Completeness.CAPPED is result.completeness
    assert "first 3" in said(result)


def test_limit_holds_for_several_questions_together() -> None:
    """Modalities are asked for one by one; the limit is for their union."""
    archive = Archive([*study(1), *study(2, Modality="MR"), *study(3)])
    query = DICOMwebQuery(ModalitiesInStudy=["CT", "MR"], limit=2)
    result = QidoRS(archive).find_studies(query)

    assert 2 == len(result)
    assert Completeness.CAPPED is result.completeness


def test_names_that_sound_alike_are_not_checked() -> None:
    """The archive decides what matches; other keys are compared as ever."""
    archive = Archive([*study(1, PatientName="MEYER"), *study(2, PatientName="MEYER")])
    archive.ignored = {"PatientName", "PatientID"}
    query = DICOMwebQuery(PatientName="MAIER", PatientID="P1", fuzzy_matching=True)
    result = QidoRS(archive).find_studies(query)

    assert ["1.2.1"] == uids(result)
    assert ("fuzzymatching", "true") in archive.asked[0].params
    assert [] == [held.reason for held in result.held_back if "PatientName" in held.reason]


# ---------------------------------------------------------------- the rest


@pytest.mark.parametrize(
    "settings", [{"page_size": 0}, {"parallel": 0}, {"max_requests": -1}], ids=str
)
def test_settings_are_checked(settings: dict[str, Any]) -> None:
    """Numbers that cannot work are refused at once."""
    with pytest.raises(InvalidInputError):
        QidoRS("https://archive.example/dicom-web", **settings)


def test_transport_has_its_own_session() -> None:
    """A session goes with an address."""
    archive = Archive([])
    with pytest.raises(InvalidInputError):
        QidoRS(archive, Session())

    assert "QidoRS(Transport('https://archive.example/dicom-web'))" == repr(QidoRS(archive))


def test_no_patient_in_words() -> None:
    """Reasons and notes name keywords and UIDs, never values."""
    archive = Archive(studies(3, PatientName=SECRET, SeriesDescription=SECRET))
    archive.ignored = {"PatientID"}
    archive.cap = {"studies": 2, "series": 1}
    archive.more = {"NumberOfStudyRelatedSeries": 5}
    query = ExtendedQuery(
        PatientName=SECRET, PatientID="x9", SeriesDescription=SECRET, query_level=INSTANCE
    )
    result = QidoRS(archive).find_studies(query)

    assert result.held_back
    assert SECRET not in said(result) + repr(result)
    assert "x9" not in said(result)


def test_threads_are_few() -> None:
    """No more studies are asked about at a time than was said."""
    archive = Archive(studies(9))
    names: set[str] = set()

    def remember(_: Archive, asked: Asked) -> None:
        if asked.resource == "series":
            names.add(current_thread().name)

    archive.faults.append(remember)
    QidoRS(archive, parallel=2).find_studies(Query(query_level=SERIES))

    assert {"gurney-search_0", "gurney-search_1"} >= names


def test_doubles_are_held_back_once_though_asked_for_again() -> None:
    """A listing that comes short is asked for again; its doubles are the same."""
    archive = Archive(studies(1, series=2))
    archive.more = {"NumberOfStudyRelatedSeries": 3}
    archive.hidden = {"SeriesNumber"}
    archive.faults.append(
        lambda archive, asked: (
            Reply(json.dumps(archive.page(asked) * 2).encode())
            if asked.resource == "series" and not asked.keys
            else None
        )
    )
    result = QidoRS(archive).find_studies(Query(query_level=SERIES))

    assert (1, 2, 0) == size(result)
    assert 2 == len(result.held_back)


def test_q14_series_are_asked_for_even_if_nothing_is_counted() -> None:
    """What was refused at once may come in parts; whether it is all nobody knows."""
    archive = Archive(studies(1, series=2, instances=2))
    archive.hidden = {"NumberOfSeriesRelatedInstances", "NumberOfStudyRelatedInstances"}
    archive.faults.append(status(413, lambda asked: asked.path == "studies/1.2.1/instances"))
    result = QidoRS(archive).find_studies(Query(query_level=INSTANCE))

    assert (1, 2, 4) == size(result)
    assert not result.complete


def test_budget_is_for_all_studies_together() -> None:
    """Gaps in one study leave less for the next."""
    archive = Archive([*study(1, instances=9), *study(2, instances=9)])
    archive.cap = {"instances": 3}
    query = Query(StudyInstanceUID=["1.2.1", "1.2.2"], query_level=INSTANCE)
    QidoRS(archive, max_requests=4, parallel=1).find_studies(query)
    numbers = [asked for asked in archive.asked if "InstanceNumber" in asked.keys]

    assert 4 == len([asked for asked in numbers if not asked.number("offset")])
