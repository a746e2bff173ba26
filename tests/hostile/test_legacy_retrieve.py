"""Downloading by RAD-69 from archives that misbehave: each quirk by its id, see FAULTS."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import attrs
import pytest
from tests.hostile.examples import FIRST, HEAD, SECOND, THIRD, Download, fetch, held, known
from tests.unit.reading import outcome
from typing_extensions import override

from gurney.core import (
    DICOMObjectReference,
    InstanceReference,
    NonInstanceParameterError,
    OutcomeStatus,
    SeriesReference,
    StudyReference,
    encode,
)
from gurney.http import Retries, Timeouts, Transport
from gurney.legacy import Rad69
from gurney.testing import example_datasets
from gurney.testing.legacy import Delivery, Exchange, Fault, LegacyServer, Problem, Reply
from gurney.testing.making import MadeSeries, made

SHORT: Final = Timeouts(connect=10.0, first_byte=10.0, idle=10.0)
QUICK: Final = Retries(attempts=3, first_wait=0.0, sleep=lambda _: None)


def rad69(server: LegacyServer, *, documents: int = 200, mtom: bool = True) -> Rad69:
    """Return RAD-69, impatient."""
    line = Transport(server.rad69, timeouts=SHORT, retries=QUICK)
    return Rad69(line, documents=documents, mtom=mtom)


def downloaded(*faults: str | Fault, documents: int = 200) -> tuple[Download, int]:
    """Fetch the study of three; return what has come of it, and how often was asked."""
    with LegacyServer(example_datasets(), faults) as server:
        return fetch(rad69(server, documents=documents)), len(server.requests)


def whole() -> dict[DICOMObjectReference, bytes]:
    """Return the files of the study of three."""
    return {reference: encode(dataset) for reference, dataset in held(HEAD).items()}


def assert_all_but_the_last(download: Download, reason: str) -> None:
    """The last one has failed for that reason; all others have come, and nothing is swallowed."""
    assert {FIRST, SECOND} == set(download.files)
    assert [OutcomeStatus.FAILED] == [
        outcome.status for outcome in download.receipt.outcomes if outcome.reference == THIRD
    ]
    assert not download.receipt.complete
    assert 1 == len(download.reasons)
    assert reason in download.reasons[0]
    assert "DOE" not in download.reasons[0]


@pytest.mark.parametrize("quirk", ["X01", "X05"])
def test_x01_x05_entities_are_not_read(quirk: str) -> None:
    """A bomb does not go off, a file is not read; nothing of the document is repeated."""
    download, _ = downloaded(quirk)

    assert {} == download.files
    assert 3 == len(download.reasons)
    assert all("document type or entities" in reason for reason in download.reasons)


def test_x02_partial_success_keeps_what_came_and_names_the_rest() -> None:
    """All errors are read, not only the first, a warning; what is gone is not asked for again."""
    download, asked = downloaded("X02")

    assert_all_but_the_last(download, "XDSDocumentUniqueIdError")
    assert 2 == asked  # one for each series


@pytest.mark.parametrize("size", [8, 1600], ids=["small", "large"])
def test_x03_parts_may_come_in_any_order(size: int) -> None:
    """They are known by their names, also before the root, which names them, has come."""
    study = made("1.2.3", {}, MadeSeries("CT", 3, size=size))
    with LegacyServer(study, ["X03"]) as server:
        files = list(fetch(rad69(server), known("1.2.3", study)).files.items())

    expected = {encode(dataset) for dataset in study}
    assert expected == {content for _, content in files}


def test_x06_a_document_that_comes_twice_is_taken_once() -> None:
    """Whatever its second part is called."""
    download, _ = downloaded("X06")

    assert whole() == download.files
    assert download.receipt.complete
    assert 3 == len(download.receipt.outcomes)


def test_x07_a_part_of_another_name_is_not_taken() -> None:
    """Parts are known by their names, and never by their order."""
    download, asked = downloaded("X07")

    assert_all_but_the_last(download, "names for it did not come")
    assert 2 <= asked


def test_x08_a_document_is_what_it_is_said_to_be() -> None:
    """The root's word is not taken for it."""
    download, _ = downloaded("X08")

    assert_all_but_the_last(download, "another instance came in its place, and was refused")


class Swapped(Fault):
    """Two documents come, each by the name of the other."""

    @override
    def delivered(self, exchange: Exchange, delivery: Delivery, /) -> Delivery:
        """Swap them."""
        if len(delivery.sent) != 2:
            return delivery
        one, other = delivery.sent
        sent = attrs.evolve(one, uid=other.uid), attrs.evolve(other, uid=one.uid)
        return attrs.evolve(delivery, sent=sent)


def test_x08_two_that_are_swapped_are_asked_for_one_by_one() -> None:
    """Who contradicts himself is asked again."""
    download, asked = downloaded(Swapped())

    assert whole() == download.files
    assert download.receipt.complete
    assert 4 == asked


def test_x09_what_is_neither_sent_nor_named_is_missed() -> None:
    """Success means nothing: each document is stored, or errored, or missing."""
    download, _ = downloaded("X09")

    assert_all_but_the_last(download, "neither holds it nor says why")


def test_x10_what_was_cut_is_asked_for_again() -> None:
    """What came whole before that is kept."""
    download, asked = downloaded("X10")

    assert whole() == download.files
    assert download.receipt.complete
    assert 3 == asked


def test_x10_a_large_document_goes_on_where_it_was_cut() -> None:
    """Its first bytes have been passed on by then; the rest comes with another answer."""
    study = made("1.2.3", {}, MadeSeries("CT", 2, size=1600))
    with LegacyServer(study, ["X10"]) as server:
        download = fetch(rad69(server), known("1.2.3", study))

    assert [encode(dataset) for dataset in study] == list(download.files.values())
    assert download.receipt.complete
    assert 1 == sum(outcome.retries for outcome in download.receipt.outcomes)


@pytest.mark.parametrize("quirk", ["X11", "X12"])
def test_x11_x12_a_fault_is_no_end(quirk: str) -> None:
    """Whatever the status that it comes under, less is asked for then."""
    download, _ = downloaded(quirk)

    assert whole() == download.files
    assert download.receipt.complete


class Faulty(Fault):
    """Nothing but SOAP faults."""

    def __init__(self, code: str, status: int) -> None:
        super().__init__()
        self.code = code
        self.status = status

    @override
    def delivered(self, exchange: Exchange, delivery: Delivery, /) -> Delivery:
        """Send a fault."""
        return Delivery(fault=self.code, http_status=self.status)


@pytest.mark.parametrize(
    ("code", "status", "words"),
    [
        ("Sender", 200, "refused by a SOAP fault (Sender, status 200)"),
        ("Sender", 400, "refused by a SOAP fault (Sender, status 400)"),
        ("MustUnderstand", 500, "refused by a SOAP fault (MustUnderstand, status 500)"),
        ("DOE_JANE", 500, "refused by a SOAP fault (Fault, status 500)"),
        ("Receiver", 500, "the archive is busy or failed (status 500)"),
        ("Receiver", 200, "the archive is busy or failed (status 500)"),
    ],
)
def test_x11_x12_a_fault_is_told_without_its_words(code: str, status: int, words: str) -> None:
    """Its code is one of five; its text may name anybody."""
    download, _ = downloaded(Faulty(code, status))

    assert {} == download.files
    assert 3 == len(download.reasons)
    assert all(words in reason for reason in download.reasons)
    assert "DOE" not in " ".join(download.reasons)


def test_x13_a_login_page_is_no_answer() -> None:
    """Somebody has to log in."""
    download, _ = downloaded("X13")

    assert {} == download.files
    assert "a login page came" in download.reasons[0]


@pytest.mark.parametrize("size", [8, 1600], ids=["small", "large"])
def test_x17_documents_may_be_inside_of_the_xml(size: int) -> None:
    """In base64, with whatever line ends."""
    study = made("1.2.3", {}, MadeSeries("CT", 3, size=size))
    with LegacyServer(study, ["X17"]) as server:
        download = fetch(rad69(server), known("1.2.3", study))

    assert [encode(dataset) for dataset in study] == list(download.files.values())


def test_x18_names_of_parts_are_decoded() -> None:
    """The root writes them with percent signs, the part in angle brackets (RFC 2392)."""
    download, asked = downloaded("X18")

    assert whole() == download.files
    assert 2 == asked


def test_x20_what_has_no_end_is_given_up() -> None:
    """There is a budget for the root: it is as large as what was asked for makes it."""
    download, _ = downloaded("X20")

    assert {} == download.files
    assert "larger than" in download.reasons[0]


def test_x21_an_error_that_concerns_all_is_the_reason_for_all() -> None:
    """An unknown repository is not asked again for each document."""
    download, asked = downloaded("X21")

    assert {} == download.files
    assert ["the archive's answer is Failure, for XDSUnknownRepositoryId"] * 3 == download.reasons
    assert 2 == asked


class Busy(Fault):
    """The last document of a study is not there now."""

    times = 1

    @override
    def delivered(self, exchange: Exchange, delivery: Delivery, /) -> Delivery:
        """Say so."""
        *kept, last = delivery.sent
        if last.uid != THIRD.instance_uid:
            return delivery
        problem = Problem("XDSRepositoryBusy", "later", last.uid)
        return Delivery(tuple(kept), (problem,), "PartialSuccess")


def test_what_is_busy_now_is_asked_for_again_unless_it_was_alone() -> None:
    """An error that may pass does not end it, where less can be asked for."""
    study = made("1.2.3", {}, MadeSeries("CT", 3))

    class LastIsBusy(Busy):
        @override
        def delivered(self, exchange: Exchange, delivery: Delivery, /) -> Delivery:
            *kept, last = delivery.sent
            if not kept:
                return delivery
            problem = Problem("XDSRepositoryBusy", "later", last.uid)
            return Delivery(tuple(kept), (problem,), "PartialSuccess")

    with LegacyServer(study, [LastIsBusy()]) as server:
        download = fetch(rad69(server), known("1.2.3", study))

    assert download.receipt.complete
    assert 3 == len(download.files)


class Foreign(Fault):
    """An error with an id of a stranger, and words of its own."""

    @override
    def delivered(self, exchange: Exchange, delivery: Delivery, /) -> Delivery:
        """Say nothing of use."""
        problem = Problem("DOE^JANE was here", "DOE^JANE", "../../DOE^JANE")
        return Delivery(problems=(problem,), status="DOE^JANE")


def test_nothing_of_an_error_is_repeated_but_what_the_profile_knows() -> None:
    """Codes, words, places and states come from a stranger."""
    download, _ = downloaded(Foreign())

    assert 3 == len(download.reasons)
    assert "DOE" not in " ".join(download.reasons)
    assert "an error with a code of its own" in download.reasons[0]


class NotSoap(Fault):
    """Something else than SOAP."""

    def __init__(self, content_type: str, content: bytes) -> None:
        super().__init__()
        self.content_type = content_type
        self.content = content

    @override
    def replied(self, exchange: Exchange, reply: Reply, /) -> Reply:
        """Send it."""
        return Reply(200, {"Content-Type": self.content_type}, (self.content,))


@pytest.mark.parametrize(
    ("content_type", "content", "words"),
    [
        ("application/soap+xml", b"", "no content"),
        ("application/soap+xml", b"<Envelope><Body>", "in the middle of its XML"),
        ("application/soap+xml", b"<Envelope><Body/></Envelope>", "no answer of RAD-69"),
        ("application/xml", b"<feed/>", "no SOAP"),
        ("application/dicom", b"DICM", "no XML"),
        (
            "multipart/related; boundary=b",
            b"--b\r\n\r\n<Envelope/>\r\n--b--",
            "no answer of RAD-69",
        ),
        ('multipart/related; boundary=b; start="<r>"', b"--b\r\n\r\nx\r\n--b--", "is the root"),
        ("multipart/related; boundary=b", b"--b--", "is the root"),
    ],
)
def test_what_is_not_rad69_is_an_error(content_type: str, content: bytes, words: str) -> None:
    """Each instance fails, and says what came instead."""
    download, _ = downloaded(NotSoap(content_type, content))

    assert 3 == len(download.reasons)
    assert all(words in reason for reason in download.reasons), download.reasons


@pytest.mark.parametrize(
    "content", [b"QUJD====", b"QUJ", b"DOE^JANE", b"QUJDRA=="], ids=["pad", "cut", "odd", "short"]
)
def test_broken_base64_is_no_document(content: bytes) -> None:
    """Nothing of it is stored."""
    uid = FIRST.instance_uid.encode()
    xml = (
        b"<Envelope><Body><RetrieveDocumentSetResponse><DocumentResponse><DocumentUniqueId>"
        + uid
        + b"</DocumentUniqueId><Document>"
        + content
        + b"</Document></DocumentResponse></RetrieveDocumentSetResponse></Body></Envelope>"
    )
    download, _ = downloaded(NotSoap("application/soap+xml", xml))

    assert {} == download.files
    assert "DOE" not in " ".join(download.reasons)


# ---------------------------------------------------------------- what is asked for


@pytest.mark.parametrize("what", [StudyReference("1.2"), SeriesReference("1.2", "1.3")])
def test_instances_are_needed_before_anything_is_asked(what: DICOMObjectReference) -> None:
    """A study, or a series, is an error at once, not between two files."""
    with LegacyServer(example_datasets()) as server:
        with pytest.raises(NonInstanceParameterError):
            rad69(server).files([FIRST, what])

        assert [] == server.requests


@pytest.mark.parametrize("mtom", [True, False])
def test_a_question_is_for_one_series_and_so_many_documents(mtom: bool) -> None:
    """Requests are of bounded size, each with an id of its own."""
    study = made("1.2.3", {}, MadeSeries("CT", 5), MadeSeries("MR", 2))
    with LegacyServer(study) as server:
        fetch(rad69(server, documents=2, mtom=mtom), known("1.2.3", study))
        asked = [request.documents for request in server.requests]
        ids = {request.message_id for request in server.requests}

    assert [1, 2, 2, 2] == sorted(map(len, asked))
    assert all(1 == len({one.reference.series_uid for one in group}) for group in asked)
    assert 4 == len(ids)


def test_settings_are_sent() -> None:
    """Repository, home community and transfer syntaxes are what somebody has set."""
    with LegacyServer(example_datasets()) as server:
        line = Transport(server.rad69, timeouts=SHORT, retries=QUICK)
        settings: Sequence[str] = ("1.2.840.10008.1.2.1", "1.2.840.10008.1.2.4.70")
        downloader = Rad69(
            line,
            repository_id="1.2.3.4",
            home_community_id="urn:oid:1.2.3.5",
            transfer_syntaxes=settings,
        )
        downloader.get_dataset(FIRST)
        (asked,) = server.requests

    assert settings == asked.transfer_syntaxes
    assert [(FIRST, "1.2.3.4", "urn:oid:1.2.3.5")] == [
        (one.reference, one.repository_id, one.home_community_id) for one in asked.documents
    ]


def test_what_is_not_there_is_said_and_the_rest_comes() -> None:
    """What the archive does not know is an error that names it, among all others."""
    unknown = InstanceReference(HEAD, FIRST.series_uid, "1.2.3.4.5")
    with LegacyServer(example_datasets()) as server:
        came, failed = outcome(rad69(server).files([FIRST, unknown, SECOND]))

    assert [FIRST, SECOND] == came
    assert ["the archive does not send it: XDSDocumentUniqueIdError"] == failed
