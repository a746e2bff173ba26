"""Downloading from archives that misbehave: each quirk of WADO-RS and WADO-URI by its id."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final
from urllib.parse import parse_qs, urlsplit

import pytest
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian, RLELossless
from tests.hostile.examples import (
    FIRST,
    HEAD,
    PACKED,
    SECOND,
    THIRD,
    datasets,
    fetch,
    held,
    known,
)
from typing_extensions import override

from gurney.core import (
    BudgetExceededError,
    Completeness,
    DICOMDownloadable,
    DICOMObjectReference,
    DownloadError,
    FileDownloader,
    IncompleteDownloadError,
    OutcomeStatus,
    Query,
    QueryLevels,
    StudyReference,
    encode,
    text,
)
from gurney.dicomweb import QidoRS, WadoRS, WadoURI
from gurney.http import Budgets, MultipartReader, PartLimits, Retries, Timeouts, Transport
from gurney.testing import MemoryArchive, MemoryStorage, reference_of
from gurney.testing.dicomweb import (
    DICOMwebServer,
    Envelope,
    Exchange,
    Fault,
    JSONObject,
    Reply,
    Service,
)
from gurney.testing.making import MadeSeries, made
from gurney.trolley import Trolley

PIXELS: Final = b"\xe0\x7f\x10\x00OB\0\0\x04\0\0\0\2\2\2\2"  # the last element of the second
SHORT: Final = Timeouts(connect=10.0, first_byte=10.0, idle=10.0)
QUICK: Final = Retries(attempts=3, first_wait=0.0, sleep=lambda _: None)


def files_of(study_uid: str) -> dict[DICOMObjectReference, bytes]:
    """Return the files of a study, as the archive holds them."""
    return {reference: encode(dataset) for reference, dataset in held(study_uid).items()}


def rs(server: DICOMwebServer) -> WadoRS:
    """Return WADO-RS, impatient."""
    return WadoRS(Transport(server.url, timeouts=SHORT, retries=QUICK))


def uri(server: DICOMwebServer) -> WadoURI:
    """Return WADO-URI, impatient."""
    return WadoURI(Transport(server.wado_uri, timeouts=SHORT, retries=QUICK))


def read_all(
    downloader: FileDownloader, *objects: DICOMDownloadable
) -> list[tuple[DICOMObjectReference | None, bytes]]:
    """Take every file of *objects*."""
    return [(file.reference, file.read()) for file in downloader.files(objects)]


def asked(server: DICOMwebServer) -> list[str]:
    """Return what was asked for, below the study."""
    start = f"/dicom-web/studies/{HEAD}"
    return [request.path.removeprefix(start) for request in server.requests]


Make = Callable[[DICOMwebServer], FileDownloader]


@pytest.mark.parametrize("make", [rs, uri])
@pytest.mark.parametrize(
    "faults",
    [
        [],
        ["W06"],
        ["W07"],
        ["W08"],
        ["W09"],
        ["W11"],
        ["W12"],
        ["W15"],
        ["W17"],
        ["W18"],
        ["W24"],
        ["W25"],
        ["W27"],
        ["W03", "W05"],
        ["W07", "W08", "W09"],
        ["W12", "W15", "W17"],
    ],
    ids="+".join,
)
def test_what_can_be_put_right_is(make: Make, faults: list[str]) -> None:
    """All instances come, byte for byte, and the receipt says that they are all."""
    with DICOMwebServer(datasets(), faults) as server:
        got = fetch(make(server))

    assert files_of(HEAD) == got.files
    assert got.receipt.complete, got.receipt.reasons


@pytest.mark.parametrize("make", [rs, uri])
def test_w01_cut_body_is_incomplete(make: Make) -> None:
    """A body that ends with its connection, cut: never success, and nothing cut is stored."""
    with DICOMwebServer(datasets(), ["W01"]) as server:
        got = fetch(make(server))

    assert not got.receipt.complete
    assert 3 == len(got.receipt.outcomes)
    assert any(not outcome.good for outcome in got.receipt.outcomes)
    assert got.files.items() <= files_of(HEAD).items()


@pytest.mark.parametrize("make", [rs, uri])
def test_w01_cut_once_is_made_good(make: Make) -> None:
    """What is missing after a cut is asked for again."""
    with DICOMwebServer(datasets(), ["W01"], times=1) as server:
        got = fetch(make(server))

    assert files_of(HEAD) == got.files
    assert got.receipt.complete


def after_parts(count: int) -> int:
    """Return how many bytes of the study's body end with that many whole parts."""

    pieces = Envelope().pieces(files_of(HEAD).values())
    return sum(map(len, pieces[:count]))


@pytest.mark.parametrize("count", [1, 2, 3])
def test_w01_cut_between_parts_is_incomplete(count: int) -> None:
    """Each part that came is whole, even all of them: without a closing delimiter who knows?"""
    with DICOMwebServer(datasets(), ["W01"], cut_after=after_parts(count), times=1) as server:
        files = read_all(rs(server), StudyReference(HEAD))
        requests = len(server.requests)

    assert files_of(HEAD) == dict(files)
    assert 3 == len(files)
    assert requests > 1


@pytest.mark.parametrize("faults", [["W01"], ["W03", "W01"]], ids="+".join)
@pytest.mark.parametrize("objects", [known(HEAD), [StudyReference(HEAD)]], ids=["known", "bare"])
@pytest.mark.parametrize("missing", [1, len(PIXELS)])
def test_w01_cut_at_the_end_of_an_instance_is_incomplete(
    missing: int, objects: Sequence[DICOMDownloadable], faults: list[str]
) -> None:
    """A byte short; and short of the last element, which no look at the instance can tell."""
    envelope = Envelope(headers=faults == ["W01"])
    first, second, *_ = envelope.pieces(files_of(HEAD).values())
    cut_after = len(first + second) - missing
    with DICOMwebServer(datasets(), faults, cut_after=cut_after, times=1) as server:
        files = read_all(rs(server), *objects)

    assert second.endswith(PIXELS)
    assert files_of(HEAD) == dict(files)
    assert 3 == len(files)


def test_w01_cut_of_what_is_not_known_is_an_error() -> None:
    """Nobody said how many instances there are, and the archive's answer is cut each time."""
    with DICOMwebServer(datasets(), ["W01"]) as server, pytest.raises(DownloadError):
        read_all(rs(server), StudyReference(HEAD))


def test_w02_first_part_is_kept_and_the_rest_is_asked_for_again() -> None:
    """A cut in the second part: what came whole before it is not fetched twice."""
    with DICOMwebServer(datasets(), ["W02"]) as server:
        got = fetch(rs(server))
        again = asked(server)[1:]

    assert files_of(HEAD) == got.files
    assert got.receipt.complete
    assert again
    assert f"/series/{FIRST.series_uid}/instances/{FIRST.instance_uid}" not in again


def test_w02_series_that_is_always_cut_comes_by_instance() -> None:
    """The same question is cut again and again: smaller ones bring what is missing."""
    with DICOMwebServer(datasets(), ["W02"]) as server:
        got = fetch(rs(server), known(PACKED))
        paths = [request.path for request in server.requests]

    assert files_of(PACKED) == got.files
    assert got.receipt.complete
    assert sorted(set(paths)) == sorted(paths)


def test_w03_parts_without_headers() -> None:
    """What is a part is told by the delimiters alone."""
    with DICOMwebServer(datasets(), ["W03"]) as server:
        got = fetch(rs(server))

    assert files_of(HEAD) == got.files
    assert got.receipt.complete


@pytest.mark.parametrize("turn", [0, 1, 2])
def test_w04_boundary_forms(turn: int) -> None:
    """Odd characters in quotes, 70 without, none declared: all are read, at once."""
    with DICOMwebServer(datasets(), ["W04"]) as server:
        for _ in range(turn):
            fetch(rs(server))
        got = fetch(rs(server))
        requests = len(server.requests)

    assert files_of(HEAD) == got.files
    assert got.receipt.complete
    assert turn + 1 == requests


def test_w05_line_feeds_preamble_and_epilogue() -> None:
    """Lines that end in LF alone; what stands before the first delimiter, and after the last."""
    with DICOMwebServer(datasets(), ["W05"]) as server:
        got = fetch(rs(server))

    assert files_of(HEAD) == got.files
    assert got.receipt.complete


@pytest.mark.parametrize("objects", [[FIRST], [StudyReference("2.25.4003")]], ids=["one", "study"])
def test_w06_single_part_or_multipart(objects: Sequence[DICOMDownloadable]) -> None:
    """Whatever was asked for, what comes is looked at."""
    with DICOMwebServer(datasets(), ["W06"]) as server:
        got = fetch(rs(server), objects)

    assert 1 == len(got.files)
    assert got.receipt.complete


class AcceptRefused(Fault):
    """Refuses forms of Accept, with a status of one's choice."""

    def __init__(self, status: int, is_refused: Callable[[str], bool]) -> None:
        super().__init__()
        self.status: int = status
        self.is_refused: Callable[[str], bool] = is_refused

    def refusal(self, exchange: Exchange, /) -> Reply | None:
        """Refuse."""
        asked = exchange.asked
        refused = asked.service is Service.RETRIEVE and self.is_refused(asked.accept)
        return Reply(self.status) if refused else None


def is_multipart(accept: str) -> bool:
    """Say whether instances are to come in parts."""
    return accept.startswith("multipart/")


def test_w06_multipart_where_a_single_part_was_asked_for() -> None:
    """The archive takes no multipart/related, and sends it."""
    faults: list[str | Fault] = [AcceptRefused(406, is_multipart), "W06"]
    with DICOMwebServer(datasets(), faults) as server:
        got = fetch(rs(server), [FIRST])
        accepts = [request.accept for request in server.requests]

    assert {FIRST} == got.files.keys()
    assert not is_multipart(accepts[-1])


class CalledDICOM(Fault):
    """A multipart body that is labelled as the one instance that it is not."""

    @override
    def replied(self, exchange: Exchange, reply: Reply, /) -> Reply:
        """Alter the label."""
        parts = is_multipart(reply.content_type)
        return reply.with_headers(Content_Type="application/dicom") if parts else reply


def test_w06_multipart_by_another_name() -> None:
    """Whatever it is called, what comes is looked at, and taken at once."""
    with DICOMwebServer(datasets(), [CalledDICOM()]) as server:
        got = fetch(rs(server))
        requests = len(server.requests)

    assert files_of(HEAD) == got.files
    assert 1 == requests


def test_w07_type_without_quotes() -> None:
    """What is wanted is still said: by ``*/*`` an archive may send anything."""
    with DICOMwebServer(datasets(), ["W07"]) as server:
        got = fetch(rs(server))
        accepts = [request.accept for request in server.requests]

    assert files_of(HEAD) == got.files
    assert "multipart/related; type=application/dicom" == accepts[-1]


@pytest.mark.parametrize("status", [400, 406, 415, 500, 501])
def test_w07_w08_w11_whatever_a_form_is_refused_with_the_next_is_tried(status: int) -> None:
    """Archives say in many ways that they do not take a form of Accept."""
    only_any = AcceptRefused(status, lambda accept: accept != "*/*")
    with DICOMwebServer(datasets(), [only_any]) as server:
        files = read_all(rs(server), FIRST)

    assert [(FIRST, files_of(HEAD)[FIRST])] == files


@pytest.mark.parametrize(
    "faults", [["W07"], ["W08"], ["W09"], ["W11"], ["W07", "W08"]], ids="+".join
)
def test_w07_w08_w09_w11_the_ladder_is_remembered(faults: list[str]) -> None:
    """What an archive takes is found out once, one form at a time."""
    with DICOMwebServer(datasets(), faults) as server:
        wado = rs(server)
        first = read_all(wado, StudyReference(HEAD))
        before = len(server.requests)
        second = read_all(wado, StudyReference(HEAD))
        accepts = [request.accept for request in server.requests]

    assert files_of(HEAD) == dict(first) == dict(second)
    assert accepts[before:] == [accepts[before - 1]]
    assert not [accept for accept in accepts if "," in accept]


def test_w10_nothing_is_decompressed() -> None:
    """``transfer-syntax=*`` is asked for, so that what is stored comes."""
    with DICOMwebServer(datasets(), ["W10"]) as server:
        got = fetch(rs(server), known(PACKED))

    assert files_of(PACKED) == got.files
    assert {RLELossless: 6} == got.receipt.studies[0].transfer_syntaxes


def test_w10_what_came_decompressed_is_recorded() -> None:
    """Where that is refused, too, the receipt tells in which transfer syntax instances came."""
    with DICOMwebServer(datasets(), ["W09", "W10"]) as server:
        got = fetch(rs(server), known(PACKED))

    assert got.receipt.complete
    assert {ExplicitVRLittleEndian: 6} == got.receipt.studies[0].transfer_syntaxes


def test_w12_only_what_is_missing_is_asked_for() -> None:
    """206: one instance did not come."""
    with DICOMwebServer(datasets(), ["W12"]) as server:
        files = read_all(rs(server), *known(HEAD))
        paths = asked(server)

    assert files_of(HEAD) == dict(files)
    assert "" == paths[0]
    assert 1 == len(paths[1:])
    assert paths[1].startswith(f"/series/{THIRD.series_uid}")


def test_w12_of_what_is_not_known_all_is_found() -> None:
    """206 of a study nobody knows the content of: it is listed, and the rest fetched."""
    with DICOMwebServer(datasets(), ["W12"]) as server:
        files = read_all(rs(server), StudyReference(HEAD))

    assert files_of(HEAD) == dict(files)
    assert 3 == len(files)


@pytest.mark.parametrize("objects", [known(HEAD), [StudyReference(HEAD)]], ids=["known", "bare"])
def test_w13_success_without_instances_is_none(objects: Sequence[DICOMDownloadable]) -> None:
    """204, and 200 without a part: nothing came, and that is said."""
    with DICOMwebServer(datasets(), ["W13"]) as server:
        got = fetch(rs(server), objects)

    assert {} == got.files
    assert not got.receipt.complete
    assert 3 == sum(not outcome.good for outcome in got.receipt.outcomes)
    assert all("holds nothing" in outcome.reason for outcome in got.receipt.outcomes)


def test_w13_a_study_that_is_not_known_and_does_not_come_is_an_error() -> None:
    """No file at all would look like an empty study."""
    with DICOMwebServer(datasets(), ["W13"]) as server, pytest.raises(DownloadError):
        read_all(rs(server), StudyReference(HEAD))


@pytest.mark.parametrize("objects", [known(HEAD), [StudyReference(HEAD)]], ids=["known", "bare"])
def test_w14_foreign_instances_are_refused(objects: Sequence[DICOMDownloadable]) -> None:
    """Another study in the stream: not stored, not under any name."""
    with DICOMwebServer(datasets(), ["W14"]) as server:
        got = fetch(rs(server), objects)

    assert files_of(HEAD) == got.files
    assert not [one for one in got.receipt.outcomes if one.good and one.reference not in got.files]


@pytest.mark.parametrize("objects", [known(HEAD), [StudyReference(HEAD)]], ids=["known", "bare"])
def test_w14_foreign_instances_are_not_passed_on(objects: Sequence[DICOMDownloadable]) -> None:
    """Those who take the files themselves do not get it, either."""
    with DICOMwebServer(datasets(), ["W14"]) as server:
        files = read_all(rs(server), *objects)

    assert files_of(HEAD) == dict(files)


@pytest.mark.parametrize("objects", [known(HEAD), [StudyReference(HEAD)]], ids=["known", "bare"])
def test_w15_the_same_instance_twice_is_one(objects: Sequence[DICOMDownloadable]) -> None:
    """It is stored once, and counted once."""
    with DICOMwebServer(datasets(), ["W15"]) as server:
        got = fetch(rs(server), objects)

    assert files_of(HEAD) == got.files
    assert 3 == got.receipt.counts[OutcomeStatus.STORED]


def test_w15_yields_it_once() -> None:
    """Also to those who take the files themselves."""
    with DICOMwebServer(datasets(), ["W15"]) as server:
        files = read_all(rs(server), StudyReference(HEAD))

    assert files_of(HEAD) == dict(files)
    assert 3 == len(files)


class ForeignAndDoubled(Fault):
    """Metadata of an instance of another study come first, and those of one come twice."""

    @override
    def described(
        self,
        exchange: Exchange,
        objects: Sequence[JSONObject],
        /,
    ) -> Sequence[JSONObject]:
        """Add two."""
        foreign = {**objects[0], "0020000D": {"vr": "UI", "Value": ["2.25.99999"]}}
        return [foreign, *objects, objects[0]]


@pytest.mark.parametrize("objects", [known(HEAD), [StudyReference(HEAD)]], ids=["known", "bare"])
def test_w14_w15_metadata_are_of_what_was_asked_for_each_once(
    objects: Sequence[DICOMDownloadable],
) -> None:
    """As with instances."""
    with DICOMwebServer(datasets(), [ForeignAndDoubled()]) as server:
        found = [reference_of(data) for data in rs(server).metadata(objects)]

    assert list(files_of(HEAD)) == found


def test_w16_metadata_that_end_early_are_made_whole() -> None:
    """A page of metadata of a study that is known to have more: the rest is asked for."""
    with DICOMwebServer(datasets(), ["W16"], page=2) as server:
        found = [text(data, "SOPInstanceUID") for data in rs(server).metadata(known(PACKED))]

    assert 6 == len(found) == len(set(found))


class WithoutTheLast(Fault):
    """No metadata of the sixth instance, however they are asked for."""

    @override
    def described(
        self,
        exchange: Exchange,
        objects: Sequence[JSONObject],
        /,
    ) -> Sequence[JSONObject]:
        """Leave it out."""
        return [one for one in objects if [f"{PACKED}01006"] != one["00080018"]["Value"]]


def test_w16_metadata_that_never_come_are_an_error() -> None:
    """At the end, after all that did come; it names what is missing."""
    found: list[str] = []
    with (
        DICOMwebServer(datasets(), [WithoutTheLast()]) as server,
        pytest.raises(IncompleteDownloadError, match=f"{PACKED}01006"),
    ):
        found.extend(text(data, "SOPInstanceUID") for data in rs(server).metadata(known(PACKED)))

    assert 5 == len(found)


def test_w16_metadata_are_no_proof_that_nothing_is_missing() -> None:
    """A cut answer of an unknown study, and metadata that end early: all, or an error."""
    with DICOMwebServer(datasets(), ["W12", "W16"], page=2) as server:
        files: list[object] = []
        with suppress(DownloadError):
            files += read_all(rs(server), StudyReference(PACKED))

    assert len(files) in (0, 6)


def test_w12_w16_metadata_without_what_is_missing_prove_nothing() -> None:
    """206 says that one is missing; the metadata lack it, too: five of six are not all."""
    with (
        DICOMwebServer(datasets(), ["W12", WithoutTheLast()]) as server,
        pytest.raises(DownloadError),
    ):
        read_all(rs(server), StudyReference(PACKED))


def test_w17_packed_bodies_are_unpacked() -> None:
    """Content-Length counts packed bytes: no reason to doubt the instances."""
    with DICOMwebServer(datasets(), ["W17"]) as server:
        got = fetch(rs(server), known(PACKED))
        encodings = {request.headers.get("accept-encoding") for request in server.requests}

    assert files_of(PACKED) == got.files
    assert got.receipt.complete
    assert {"identity"} == encodings


def test_w17_length_of_packed_bytes_is_not_announced() -> None:
    """Of an instance that is passed on while it comes, it would be a wrong size."""
    (dataset,) = made("2.25.6003", {}, MadeSeries("CT", 1))
    dataset.EncapsulatedDocument = bytes(5 << 20)
    with DICOMwebServer([dataset], ["W06", "W17"]) as server:
        files = rs(server).files([reference_of(dataset)])
        found = [(file.size, file.read()) for file in files]

    assert [(None, encode(dataset))] == found


def test_w18_what_was_cut_is_not_resumed_by_range() -> None:
    """Ranges are not dependable: instances are asked for anew."""
    with DICOMwebServer(datasets(), ["W18", "W01"], times=1) as server:
        got = fetch(rs(server))
        ranges = [request.headers.get("range") for request in server.requests]

    assert files_of(HEAD) == got.files
    assert {None} == set(ranges)


def test_w19_slow_but_alive_passes() -> None:
    """The whole takes longer than any byte may: there is no limit to the whole."""
    timeouts = Timeouts(connect=10.0, first_byte=1.0, idle=1.0)
    with DICOMwebServer(datasets(), ["W19"], pause=0.1) as server:
        wado = WadoRS(Transport(server.url, timeouts=timeouts, retries=Retries(attempts=1)))
        files = read_all(wado, *known(HEAD))
        requests = len(server.requests)

    assert files_of(HEAD) == dict(files)
    assert 1 == requests


def test_w20_a_trickle_is_ended_by_the_minimum_rate() -> None:
    """Each byte comes in time, and the whole would take hours."""
    timeouts = Timeouts(
        connect=10.0, first_byte=10.0, idle=10.0, minimum_rate=100_000.0, window=0.2
    )
    with DICOMwebServer(datasets(), ["W20"], pause=0.01) as server:
        retries = Retries(attempts=1, first_wait=0.0, sleep=lambda _: None)
        got = fetch(WadoRS(Transport(server.url, timeouts=timeouts, retries=retries)), [FIRST])

    assert {} == got.files
    assert not got.receipt.complete
    assert "bytes a second" in got.receipt.outcomes[0].reason


def test_w21_bulk_data_elsewhere_is_not_fetched() -> None:
    """A URL of another origin may lead anywhere."""
    with (
        DICOMwebServer() as other,
        DICOMwebServer(datasets(), ["W21"], elsewhere=other.url) as server,
    ):
        found = list(rs(server).metadata(known(HEAD)))
        followed = list(other.requests)

    assert 3 == len(found)
    assert [] == followed
    assert not any("PixelData" in dataset for dataset in found)


@pytest.mark.parametrize("make", [rs, uri])
def test_w22_endless_instances_hit_the_budget(make: Make) -> None:
    """Memory and disk are ours: nothing of it is stored."""
    with DICOMwebServer(datasets(), ["W22"]) as server:
        downloader = make(server)
        limited = Transport(
            server.url if make is rs else server.wado_uri,
            timeouts=SHORT,
            retries=QUICK,
            budgets=Budgets(body=1 << 20),
        )
        downloader = WadoRS(limited) if make is rs else WadoURI(limited)
        got = fetch(downloader)

    assert {} == got.files
    assert not got.receipt.complete


@pytest.mark.parametrize("make", [rs, uri])
def test_w22_what_is_no_instance_is_given_up_soon(make: Make) -> None:
    """Long before any budget; and answers that are given up keep no others from coming."""
    references = list(map(reference_of, datasets()))
    with DICOMwebServer(datasets(), ["W22"]) as server:
        got = fetch(make(server), references)

    assert len(references) == len(got.receipt.outcomes) > 8
    assert {OutcomeStatus.FAILED} == {outcome.status for outcome in got.receipt.outcomes}


def test_w22_endless_lists_hit_the_budget() -> None:
    """A list of results, and of metadata."""
    with DICOMwebServer(datasets(), ["W22"]) as server:
        limited = Transport(server.url, timeouts=SHORT, budgets=Budgets(document=1 << 20))
        with pytest.raises(BudgetExceededError):
            QidoRS(limited).find_studies(Query())
        with pytest.raises((BudgetExceededError, IncompleteDownloadError, DownloadError)):
            list(WadoRS(limited).metadata([StudyReference(HEAD)]))


@pytest.mark.parametrize(
    "body",
    [
        b"0" * 101 + b"\r\n--b\r\n\r\n\r\n--b--",
        b"--b\r\n\r\n\r\n" * 11 + b"--b--",
        b"--b\r\n" + b"A: 1\r\n" * 11 + b"\r\n\r\n--b--",
        b"--b\r\nA: " + b"1" * 101 + b"\r\n\r\n\r\n--b--",
        b"--b\r\n" + b"A: 1111111\r\n" * 9 + b"\r\n\r\n--b--",
        b"--b\r\n\r\n" + b"0" * 101 + b"\r\n--b--",
    ],
    ids=["preamble", "parts", "fields", "header", "headers", "content"],
)
def test_w22_what_exceeds_a_limit_is_given_up(body: bytes) -> None:
    """Nobody waits to see whether it ends."""
    limits = PartLimits(headers=100, fields=10, parts=10, preamble=100, content=100)
    parts = MultipartReader([body], "b", limits).parts()

    with pytest.raises(BudgetExceededError):
        _ = [list(part.chunks) for part in parts]


@pytest.mark.parametrize("make", [rs, uri])
def test_w23_odd_preambles_are_kept(make: Make) -> None:
    """Any 128 bytes may stand there; they are stored as they came."""
    with DICOMwebServer(datasets(), ["W23"]) as server:
        got = fetch(make(server))

    assert got.receipt.complete
    assert {uid: content[128:] for uid, content in files_of(HEAD).items()} == {
        uid: content[128:] for uid, content in got.files.items()
    }
    assert all(content.startswith(b"II*\0") for content in got.files.values())


class PreambleOfPage(Fault):
    """The preamble of each file looks like the begin of a web page."""

    @override
    def written(self, exchange: Exchange, contents: Sequence[bytes], /) -> Sequence[bytes]:
        """Write another preamble."""
        return [b"<!DOCTYPE html>".ljust(128) + content[128:] for content in contents]


@pytest.mark.parametrize(("make", "faults"), [(rs, ["W06"]), (uri, [])])
def test_w23_a_preamble_like_a_page_is_no_page(make: Make, faults: list[str]) -> None:
    """Where no delimiter comes before it, the preamble is the first that is seen."""
    with DICOMwebServer(datasets(), [*faults, PreambleOfPage()]) as server:
        got = fetch(make(server), [FIRST])

    assert [files_of(HEAD)[FIRST][128:]] == [content[128:] for content in got.files.values()]
    assert got.files[FIRST].startswith(b"<!DOCTYPE html>")


def test_w24_content_type_is_always_sent() -> None:
    """Without it a picture comes, with a wrong label."""
    with DICOMwebServer(datasets(), ["W24"]) as server:
        got = fetch(uri(server))
        types = [parse_qs(request.query).get("contentType") for request in server.requests]

    assert files_of(HEAD) == got.files
    assert [["application/dicom"]] * 3 == types


class AlwaysPictures(Fault):
    """A picture that is labelled application/dicom, whatever is asked for."""

    def replied(self, exchange: Exchange, reply: Reply, /) -> Reply:
        """Send a picture."""
        if exchange.asked.service not in (Service.WADO_URI, Service.RETRIEVE):
            return reply
        return Reply(200, {"Content-Type": "application/dicom"}, (b"\xff\xd8\xff\xe0" * 99,))


@pytest.mark.parametrize("make", [rs, uri])
def test_w24_a_picture_is_no_instance(make: Make) -> None:
    """What comes is looked at, whatever its label; it is not passed on, either."""
    with DICOMwebServer(datasets(), [AlwaysPictures()]) as server:
        got = fetch(make(server))
        with pytest.raises(DownloadError):
            read_all(make(server), FIRST)

    assert {} == got.files
    assert 3 == sum(not outcome.good for outcome in got.receipt.outcomes)


def test_w25_what_came_is_recorded() -> None:
    """The transfer syntax asked for is ignored: the receipt tells what is there."""
    with DICOMwebServer(datasets(), ["W25"]) as server:
        wado = WadoURI(server.wado_uri, transfer_syntax=ImplicitVRLittleEndian)
        got = fetch(wado)
        wanted = {parse_qs(request.query)["transferSyntax"][0] for request in server.requests}

    assert {ImplicitVRLittleEndian} == wanted
    assert {ExplicitVRLittleEndian: 3} == got.receipt.studies[0].transfer_syntaxes


@pytest.mark.parametrize("make", [rs, uri])
def test_w26_listed_but_gone_is_said(make: Make) -> None:
    """The last instance is listed, and is nowhere to be had."""
    with DICOMwebServer(datasets(), ["W26"]) as server:
        got = fetch(make(server))
        requests = len(server.requests)
    (lost,) = [outcome for outcome in got.receipt.outcomes if not outcome.good]

    assert {FIRST, SECOND} == got.files.keys()
    assert not got.receipt.complete
    assert THIRD == lost.reference
    assert "404" in lost.reason
    assert requests < 8


def test_w27_one_that_cannot_be_transcoded_does_not_stop_the_others() -> None:
    """Where ``*`` is refused, 500 for the whole study: what can be had comes, one by one."""
    with DICOMwebServer(datasets(), ["W09", "W27"]) as server:
        got = fetch(rs(server))
    (lost,) = [outcome for outcome in got.receipt.outcomes if not outcome.good]

    assert {FIRST, SECOND} == got.files.keys()
    assert THIRD == lost.reference


def test_w27_nor_where_the_form_was_taken_before() -> None:
    """Then 500 says nothing of the form: there is no other to try, only smaller questions."""
    with DICOMwebServer(datasets(), ["W09", "W27"]) as server:
        wado = rs(server)
        first = read_all(wado, FIRST)
        got = fetch(wado)
    (lost,) = [outcome for outcome in got.receipt.outcomes if not outcome.good]

    assert [(FIRST, files_of(HEAD)[FIRST])] == first
    assert {FIRST, SECOND} == got.files.keys()
    assert THIRD == lost.reference


@pytest.mark.parametrize("make", [rs, uri])
def test_w28_other_uid_in_file_meta_is_kept_and_noted(make: Make, tmp_path: Path) -> None:
    """The data set is right."""
    with DICOMwebServer(datasets(), ["W28"]) as server:
        trolley = Trolley(MemoryArchive(datasets()), make(server))
        receipt = trolley.download(known(HEAD), tmp_path)

    assert receipt.complete
    assert {FIRST, SECOND, THIRD} == {outcome.reference for outcome in receipt.outcomes}
    assert all(outcome.notes for outcome in receipt.outcomes)


def test_q28_only_the_archive_is_asked() -> None:
    """No URL that the archive names is followed anywhere else."""
    with DICOMwebServer(datasets()) as server:
        fetch(rs(server))
        hosts = {request.headers["host"] for request in server.requests}

    assert {urlsplit(server.url).netloc} == hosts


def test_search_and_download_meet() -> None:
    """What a search found whole, a download brings whole: nothing is asked of anybody else."""
    with DICOMwebServer(datasets(), ["Q07", "W12"], page=2) as server:
        line = Transport(server.url, timeouts=SHORT, retries=QUICK)
        trolley = Trolley(QidoRS(line), WadoRS(line), MemoryStorage())
        found = trolley.find_studies(Query(query_level=QueryLevels.INSTANCE))
        receipt = trolley.download(found)

    assert Completeness.COMPLETE is found.completeness
    assert receipt.complete
    assert 14 == len(receipt.outcomes)
