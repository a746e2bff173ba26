"""What WADO is made of: forms of Accept, questions, glances at UIDs, answers taken apart."""

from __future__ import annotations

import struct
from contextlib import ExitStack
from pathlib import Path

import pytest
import requests
from hypothesis import given
from hypothesis import strategies as st
from pydicom.dataset import Dataset
from tests.servers.scripted import BOUNDARY, multipart

from gurney.core import (
    CHUNK_SIZE,
    BusyError,
    DICOMDownloadable,
    Instance,
    InstanceReference,
    InvalidInputError,
    RequestRefusedError,
    Series,
    SeriesReference,
    Study,
    StudyReference,
    TransferInterruptedError,
    encode,
    to_instance_refs,
    walk,
)
from gurney.dicomweb.wado.accept import Ladder
from gurney.fetching import Arrived, arrivals, transport_of
from gurney.http import Answer, Transport
from gurney.retrieving import peek, plan
from gurney.testing.making import MadeSeries, made

FIRST = 'multipart/related; type="application/dicom"; transfer-syntax=*'
SECOND = 'multipart/related; type="application/dicom"'
THIRD = "multipart/related; type=application/dicom"
FILES = [encode(dataset) for dataset in made("1.2.3", {}, MadeSeries("CT", 3, size=8))]


# ---------------------------------------------------------------- the line


def test_a_transport_is_taken_as_it_is() -> None:
    """What was made before is shared, not made anew."""
    transport = Transport("http://localhost/")

    assert transport is transport_of(transport, None)
    with pytest.raises(InvalidInputError), Transport("http://localhost/") as other:
        transport_of(other, requests.Session())


# ---------------------------------------------------------------- forms of Accept


class Choosy:
    """Takes some forms, and answers others with a status code."""

    def __init__(self, taken: set[str], status: int = 406) -> None:
        self.taken = taken
        self.status = status
        self.asked: list[str] = []

    def __call__(self, form: str) -> str:
        self.asked.append(form)
        if form in self.taken:
            return form
        if self.status >= 500 and self.status != 501:
            raise BusyError("GET it", self.status)
        raise RequestRefusedError("GET it", self.status)


@pytest.mark.parametrize("status", [400, 406, 415, 500, 501])
def test_the_next_form_is_tried_and_remembered(status: int) -> None:
    """W07, W08, W09, W11: a form that is refused is not the end, and is not tried twice."""
    ladder, archive = Ladder(), Choosy({THIRD}, status)
    once = ladder.climb(archive)
    again = ladder.climb(archive)

    assert THIRD == once == again
    assert [FIRST, SECOND, THIRD, THIRD] == archive.asked


@pytest.mark.parametrize("status", [403, 404, 413, 503])
def test_other_failures_are_no_refusals(status: int) -> None:
    """What has nothing to do with the form is raised at once."""
    ladder, archive = Ladder(), Choosy(set(), status)
    with pytest.raises((BusyError, RequestRefusedError)):
        ladder.climb(archive)

    assert [FIRST] == archive.asked


def test_a_form_once_taken_is_not_blamed() -> None:
    """W27: 500 for one study, when the form is known to work, says nothing of the form."""
    ladder = Ladder()
    ladder.climb(Choosy({FIRST}))
    broken = Choosy(set(), 500)
    with pytest.raises(BusyError):
        ladder.climb(broken)

    assert [FIRST] == broken.asked


def test_nothing_is_remembered_of_what_is_refused_in_every_form() -> None:
    """One instance that cannot be had does not spoil the form for the others."""
    ladder = Ladder()
    with pytest.raises(RequestRefusedError):
        ladder.climb(Choosy(set()))
    archive = Choosy({FIRST, "*/*"})
    ladder.climb(archive)

    assert [FIRST] == archive.asked


def test_a_single_instance_may_come_without_parts() -> None:
    """W06, W08: for one instance its own media type is asked for, for several it is not."""
    one, several = Choosy({"*/*"}), Choosy({"*/*"})
    Ladder().climb(one, one=True)
    Ladder().climb(several)

    assert ["application/dicom; transfer-syntax=*", "application/dicom", "*/*"] == one.asked[3:]
    assert [FIRST, SECOND, THIRD, "*/*"] == several.asked


# ---------------------------------------------------------------- questions


def tree(counts: tuple[int, ...] | None = None, *series: int) -> Study:
    """A study of series with so many instances; *counts* of the study, then of each series."""

    def data(keyword: str, place: int) -> Dataset:
        dataset = Dataset()
        if counts is not None:
            setattr(dataset, keyword, counts[place])
        return dataset

    return Study(
        "1.2",
        data("NumberOfStudyRelatedInstances", 0),
        series=[
            Series(
                f"1.2.{at}",
                data("NumberOfSeriesRelatedInstances", at),
                instances=[Instance(f"1.2.{at}.{number}") for number in range(1, size + 1)],
            )
            for at, size in enumerate(series, start=1)
        ],
    )


def asked(*objects: DICOMDownloadable) -> list[str]:
    return [str(wanted.reference) for wanted in plan(objects)]


def test_a_whole_study_is_one_question() -> None:
    """Known to the last instance, and the archive has said that there are no more."""
    (wanted,) = plan([tree((3, 2, 1), 2, 1)])

    assert StudyReference("1.2") == wanted.reference
    assert wanted.all_wanted
    assert list(to_instance_refs([tree(None, 2, 1)])) == list((wanted.expected or {}).values())


def test_a_part_of_a_study_is_not_asked_for_as_the_study() -> None:
    """The archive holds more than is wanted: by series, and where that is so too, by instance."""
    assert ["1.2/1.2.1", "1.2/1.2.2/1.2.2.1"] == asked(tree((9, 2, 7), 2, 1))


def test_without_counts_series_are_asked_for_and_what_else_comes_is_not_wanted() -> None:
    """Nobody knows whether the study holds more; all of it is too much to ask for."""
    questions = list(plan([tree(None, 2, 1)]))

    assert ["1.2/1.2.1", "1.2/1.2.2"] == [str(wanted.reference) for wanted in questions]
    assert not any(wanted.all_wanted for wanted in questions)


def test_a_large_study_is_asked_for_by_series() -> None:
    """So that several answers come at once, and a cut costs less."""
    assert ["1.2"] == asked(tree((2000, 1000, 1000), 1000, 1000))
    assert ["1.2/1.2.1", "1.2/1.2.2"] == asked(tree((2001, 1001, 1000), 1001, 1000))
    assert ["1.2"] == asked(tree((2001, 2001), 2001))


def test_what_is_not_expanded_is_asked_for_as_it_is() -> None:
    """A series that nobody has looked into is known by nothing but its name."""
    half = Study("1.2", series=[Series("1.2.1"), Series("1.2.2", instances=[Instance("1.2.2.1")])])
    bare = next(iter(plan([SeriesReference("1.2", "1.2.9")])))

    assert ["1.2/1.2.1", "1.2/1.2.2"] == asked(half)
    assert bare.expected is None


def test_nothing_is_asked_for_twice() -> None:
    """Doubled objects, and parts of what was asked for before."""
    study = tree((3, 2, 1), 2, 1)
    instance = InstanceReference("1.2", "1.2.1", "1.2.1.1")

    assert ["1.2"] == asked(study, study, study.series[0], instance, instance)
    assert ["1.2/1.2.1/1.2.1.1", "1.2"] == asked(instance, study)
    assert ["1.9"] == asked(StudyReference("1.9"), StudyReference("1.9"))


# ---------------------------------------------------------------- which instance it is


def uids_of(content: bytes) -> tuple[str, str, str]:
    walked = walk([content])
    return walked.study_uid, walked.series_uid, walked.instance_uid


def test_a_glance_sees_the_uids() -> None:
    """Of a plain file, by its first bytes."""
    for content in FILES:
        assert uids_of(content) == peek(content[:1024])


@given(st.data())
def test_a_glance_is_right_or_says_nothing(data: st.DataObject) -> None:
    """Whatever the bytes: of an instance that is whole, the UIDs that the structural walk sees."""
    content = bytearray(data.draw(st.sampled_from(FILES)))
    for at in data.draw(st.lists(st.integers(128, len(content) - 1), max_size=3)):
        content[at] = data.draw(st.integers(0, 255))
    end = data.draw(st.integers(0, len(content)))
    seen = peek(bytes(content[:end]))

    assert seen in (None, uids_of(bytes(content))) or not walk([bytes(content)]).whole


def test_a_glance_agrees_with_the_walk_on_real_files(corpus: Path) -> None:
    """Thousands of vendors' elements, sequences, private groups before the UIDs."""
    seen = 0
    for path in sorted(corpus.rglob("*")):
        if path.is_file():
            content = path.read_bytes()
            uids = peek(content[: 64 * 1024])
            seen += uids is not None
            assert uids in (None, uids_of(content)), path.name

    assert seen > 100


# ---------------------------------------------------------------- answers taken apart


def answer(
    body: bytes, *, kind: str = f"multipart/related; boundary={BOUNDARY}", framed: bool = True
) -> Answer:
    headers = {"content-type": kind, **({"content-length": str(len(body))} if framed else {})}
    return Answer(
        asked="GET it",
        url="http://localhost/",
        status=200,
        headers=headers,
        chunks=iter([body[at : at + 7000] for at in range(0, len(body), 7000)]),
        document_budget=1,
        resources=ExitStack(),
    )


def taken(of: Answer) -> list[bytes]:
    return [b"".join(arrived.chunks) for arrived in arrivals(of, of.chunks())]


def whole_ones(of: Answer) -> tuple[list[bytes], str]:
    """What arrives, and how it ends."""
    came: list[bytes] = []
    try:
        came.extend(b"".join(arrived.chunks) for arrived in arrivals(of, of.chunks()))
    except TransferInterruptedError as error:
        return came, error.reason
    return came, ""


@pytest.mark.parametrize("lengths", [True, False])
@pytest.mark.parametrize("framed", [True, False])
def test_parts_with_an_end_mark_are_whole(lengths: bool, framed: bool) -> None:
    """The closing delimiter is enough, however the body ends."""
    of = answer(multipart(FILES, lengths=lengths), framed=framed)

    assert (FILES, "") == whole_ones(of)


@pytest.mark.parametrize("kind", ["application/dicom", "text/plain", ""])
def test_one_instance_may_come_without_parts(kind: str) -> None:
    """W06: and whatever it is called."""
    assert [FILES[0]] == taken(answer(FILES[0], kind=kind))


def test_parts_may_come_under_another_name() -> None:
    """A body that begins with a delimiter is made of parts."""
    assert FILES == taken(answer(multipart(FILES), kind="application/octet-stream"))


def test_a_body_without_any_end_mark_proves_nothing() -> None:
    """W01: the last instance may be cut between two elements; nobody could see that."""
    body = multipart(FILES, lengths=False, closed=False)
    came, reason = whole_ones(answer(body, framed=False))

    assert FILES[:2] == came
    assert "no end mark" in reason


def test_a_length_that_is_met_and_a_structure_that_ends_there_are_proof() -> None:
    """Without the closing delimiter: the part's own length, or that of the answer."""
    own, said = whole_ones(answer(multipart(FILES, closed=False), framed=False))
    of_the_answer = answer(multipart(FILES, lengths=False, closed=False), framed=True)

    assert FILES == own
    assert "without the closing delimiter" in said  # there may be more
    assert (FILES, "") == whole_ones(of_the_answer)


def test_a_length_that_is_met_is_no_proof_if_the_structure_is_cut() -> None:
    """A server that counts what it sends, and sends half."""
    half = FILES[2][: len(FILES[2]) - 9]
    body = multipart([*FILES[:2], half], closed=False)
    came, reason = whole_ones(answer(body, framed=False))

    assert FILES[:2] == came
    assert "cut" in reason


@pytest.mark.parametrize("size", [1 << 10, 5 << 20])
def test_the_last_bytes_are_held_back_until_there_is_proof(size: int) -> None:
    """Whoever stops reading at the announced size has not got all of a cut instance."""
    content = large(size)
    body = multipart([content], closed=False, lengths=False)
    of = answer(body, framed=False)
    pieces: list[bytes] = []
    with pytest.raises(TransferInterruptedError):
        pieces.extend(piece for arrived in arrivals(of, of.chunks()) for piece in arrived.chunks)

    assert sum(map(len, pieces)) < len(content)


def large(size: int) -> bytes:
    """An instance of at least *size* bytes."""
    content = FILES[0]
    # (FFFC,FFFC) Data Set Trailing Padding, OB
    return content + struct.pack("<HH2sHI", 0xFFFC, 0xFFFC, b"OB", 0, size) + bytes(size)


def test_what_is_large_comes_in_chunks_before_it_is_whole() -> None:
    """Memory is that of some chunks; none is larger than a chunk may be."""
    content = large(9 << 20)
    of = answer(multipart([content, FILES[1]]))
    first, second = map(read, arrivals(of, of.chunks()))

    assert content == b"".join(first[1])
    assert CHUNK_SIZE >= max(map(len, first[1]))
    assert (False, True) == (first[0].held, second[0].held)


def read(arrived: Arrived) -> tuple[Arrived, list[bytes]]:
    return arrived, list(arrived.chunks)


def test_what_is_not_read_is_passed_over() -> None:
    """Large or small: the next one comes whole."""
    of = answer(multipart([large(9 << 20), *FILES]))
    uids = [arrived.uids for arrived in arrivals(of, of.chunks())]

    assert [uids_of(content) for content in (FILES[0], *FILES)] == uids


def test_what_is_no_instance_is_told() -> None:
    """W24: an image in the place of an instance, whatever it is called."""
    of = answer(b"\xff\xd8\xff\xe0" + bytes(900), kind="application/dicom")
    (arrived,) = arrivals(of, of.chunks())

    assert ("", "", "") == arrived.uids
    assert "not DICOM" in arrived.fault
