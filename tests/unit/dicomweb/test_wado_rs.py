"""WADO-RS against an archive that answers what it is told: everything comes, or is named."""

from __future__ import annotations

import gc
import threading
from collections.abc import Callable, Iterator
from functools import partial

import attrs
import pytest
from pydicom.dataset import Dataset
from tests.servers.scripted import LONG, Asked, Reply, Scripted, multipart

from gurney.core import (
    ArchiveUnavailableError,
    AuthenticationError,
    DICOMDownloadable,
    DICOMFile,
    DownloadError,
    Instance,
    InstanceReference,
    InvalidInputError,
    Series,
    SeriesReference,
    Study,
    StudyReference,
    encode,
    to_instance_refs,
    walk,
)
from gurney.dicomweb import WadoRS
from gurney.dicomweb.wado.paths import path_of
from gurney.http import Gate, Retries, Transport
from gurney.testing.making import MadeSeries, made

STUDY = "1.2.3"
FILES = {
    InstanceReference(STUDY, data.SeriesInstanceUID, data.SOPInstanceUID): encode(data)
    for data in made(STUDY, {}, MadeSeries("CT", 3, size=8), MadeSeries("MR", 2, size=8))
}
REFS = tuple(FILES)
CT, MR = (SeriesReference(STUDY, f"{STUDY}{place:02}") for place in (1, 2))
OTHER = encode(made("1.2.9", {}, MadeSeries("CT", 1))[0])
MULTIPART = multipart(FILES.values())


def counted(**counts: int) -> Dataset:
    dataset = Dataset()
    for keyword, count in counts.items():
        setattr(dataset, keyword, count)
    return dataset


def tree(more: int = 0) -> Study:
    """The study, as a search finds it; the archive says that it holds some more."""
    series = [
        Series(
            one.series_uid,
            counted(
                NumberOfSeriesRelatedInstances=sum(ref.series_uid == one.series_uid for ref in REFS)
            ),
            instances=[
                Instance(ref.instance_uid) for ref in REFS if ref.series_uid == one.series_uid
            ],
        )
        for one in (CT, MR)
    ]
    return Study(STUDY, counted(NumberOfStudyRelatedInstances=len(REFS) + more), series=series)


@pytest.fixture
def archive() -> Iterator[Scripted]:
    with Scripted() as server:
        yield server


@attrs.define
class Waits:
    """Takes note of waiting instead of doing it."""

    seconds: list[float] = attrs.Factory(list[float])

    def __call__(self, seconds: float) -> None:
        self.seconds.append(seconds)


@pytest.fixture
def waits() -> Waits:
    return Waits()


Make = Callable[..., WadoRS]


@pytest.fixture
def wado(archive: Scripted, waits: Waits) -> Iterator[Make]:
    """Return what makes a client of the archive."""
    transports: list[Transport] = []

    def make(*, gate: Gate | None = None, attempts: int = 3, **settings: object) -> WadoRS:
        retries = Retries(attempts=attempts, sleep=waits)
        transports.append(Transport(archive.url, gate=gate, retries=retries))
        return WadoRS(transports[-1], **settings)  # type: ignore[arg-type]  # as given

    yield make
    for transport in transports:
        transport.close()


def answer(archive: Scripted, *, singly: bool = True) -> None:
    """Have the archive answer as it should, for all levels."""
    archive.replies[f"studies/{STUDY}"] = [Reply(MULTIPART)]
    for series in (CT, MR):
        held = [FILES[ref] for ref in REFS if ref.series_uid == series.series_uid]
        archive.replies[path_of(series)] = [Reply(multipart(held))]
    for ref, content in FILES.items() if singly else ():
        archive.replies[path_of(ref)] = [Reply(multipart([content]))]


def listing(*references: InstanceReference) -> Reply:
    """What the archive says it holds."""
    items = ",".join(
        f'{{"0020000D":{{"vr":"UI","Value":["{ref.study_uid}"]}},'
        f'"0020000E":{{"vr":"UI","Value":["{ref.series_uid}"]}},'
        f'"00080018":{{"vr":"UI","Value":["{ref.instance_uid}"]}}}}'
        for ref in references
    )
    return Reply(f"[{items}]".encode(), kind="application/dicom+json")


Result = tuple[dict[str, bytes], dict[str, str]]


def taken(files: Iterator[DICOMFile]) -> Result:
    """What came, and why the rest did not; each must come once."""
    came: dict[str, bytes] = {}
    failed: dict[str, str] = {}
    for file in files:
        name = str(file.reference)
        assert name not in came
        assert name not in failed
        try:
            came[name] = file.read()
        except DownloadError as error:
            failed[error.subject] = error.reason
    return came, failed


EVERYTHING = {str(ref): content for ref, content in FILES.items()}


def instance_paths(*references: InstanceReference) -> list[str]:
    return [path_of(ref) for ref in references]


# ---------------------------------------------------------------- what is right


@pytest.mark.parametrize("ordered", [False, True])
@pytest.mark.parametrize(
    ("objects", "paths"),
    [
        ([tree()], {f"studies/{STUDY}"}),
        ([StudyReference(STUDY)], {f"studies/{STUDY}"}),
        ([CT, MR], {path_of(CT), path_of(MR)}),
        (REFS, set(instance_paths(*REFS))),
        ([tree(more=1)], {path_of(CT), path_of(MR)}),
        ([CT, *REFS[3:]], {path_of(CT), *instance_paths(*REFS[3:])}),
    ],
)
def test_everything_comes(
    archive: Scripted,
    wado: Make,
    objects: list[DICOMDownloadable],
    paths: set[str],
    ordered: bool,
) -> None:
    """Byte for byte, with as few questions as there can be."""
    answer(archive)
    came, failed = taken(wado(ordered=ordered).files(objects))

    assert (EVERYTHING, {}) == (came, failed)
    assert paths == set(archive.paths)
    assert len(paths) == len(archive.paths)


def test_a_file_says_what_it_is(archive: Scripted, wado: Make) -> None:
    """Which instance, how it came, and how large it is."""
    answer(archive)
    files = list(wado().files([tree()]))

    assert list(REFS) == [file.reference for file in files]
    assert {"WADO-RS"} == {file.protocol for file in files}
    assert [len(content) for content in FILES.values()] == [file.size for file in files]
    assert {0} == {file.retries for file in files}


def test_the_best_form_is_asked_for_first(archive: Scripted, wado: Make) -> None:
    """W10: what the archive holds, as it is, unpacked for no way."""
    answer(archive)
    taken(wado().files([tree()]))
    (asked,) = archive.asked

    assert (
        'multipart/related; type="application/dicom"; transfer-syntax=*' == asked.headers["accept"]
    )
    assert "identity" == asked.headers["accept-encoding"]


def test_another_form_is_remembered(archive: Scripted, wado: Make) -> None:
    """W07, W09: asked again in another form; and in that form from then on."""

    def choosy(reply: Reply) -> Callable[[Asked], Reply]:
        return lambda asked: Reply(status=406) if "*" in asked.headers["accept"] else reply

    answer(archive)
    for replies in archive.replies.values():
        replies[:] = [choosy(reply) for reply in replies if isinstance(reply, Reply)]
    client = wado()
    taken(client.files([CT]))
    came, failed = taken(client.files([tree()]))

    assert (EVERYTHING, {}) == (came, failed)
    assert [path_of(CT)] * 2 + [f"studies/{STUDY}"] == archive.paths


def test_more_than_is_known_is_passed_on(archive: Scripted, wado: Make) -> None:
    """A study that has grown since it was searched: what is new belongs to it."""
    answer(archive)
    known = [Instance(ref.instance_uid) for ref in REFS[:2]]
    older = Study(
        STUDY,
        counted(NumberOfStudyRelatedInstances=2),
        series=[Series(CT.series_uid, instances=known)],
    )
    came, failed = taken(wado().files([older]))

    assert (EVERYTHING, {}) == (came, failed)


def test_more_than_was_asked_for_is_not(archive: Scripted, wado: Make) -> None:
    """Some instances of a series, and nobody has counted it."""
    answer(archive)
    some = Study(STUDY, series=[Series(CT.series_uid, instances=[Instance(REFS[0].instance_uid)])])
    came, failed = taken(wado().files([some]))

    assert ([str(REFS[0])], {}) == (list(came), failed)


def test_what_is_not_read_does_no_harm(archive: Scripted, wado: Make) -> None:
    """A large file that is begun and left: the next ones are whole."""
    big = large(6 << 20)
    archive.replies[f"studies/{STUDY}"] = [Reply(multipart([big, *list(FILES.values())[1:]]))]
    came: list[bytes] = []
    for place, file in enumerate(wado().files([StudyReference(STUDY)])):
        came.append(next(file.chunks) if place == 0 else file.read())

    assert list(FILES.values())[1:] == came[1:]


def large(size: int, fill: int = 0) -> bytes:
    """The first instance, with so much padding inside."""
    tail = b"\xfc\xff\xfc\xffOB\0\0" + size.to_bytes(4, "little") + bytes([fill]) * size
    return FILES[REFS[0]] + tail


# ---------------------------------------------------------------- cut answers


@pytest.mark.parametrize("ordered", [False, True])
@pytest.mark.parametrize("framed", [True, False])
@pytest.mark.parametrize("parts", [0, 1, 3, 4])
def test_what_was_cut_off_is_asked_for_again(  # noqa: PLR0917  pytest's way
    archive: Scripted,
    wado: Make,
    waits: Waits,
    framed: bool,
    parts: int,
    ordered: bool,
) -> None:
    """W01, W02: what came whole is kept, the rest comes by series or by instance."""
    answer(archive)
    cut = len(multipart(list(FILES.values())[:parts], closed=False)) + 700
    archive.replies[f"studies/{STUDY}"] = [Reply(MULTIPART, cut=cut, framed=framed)]
    retries: dict[str, int] = {}

    def noting(files: Iterator[DICOMFile]) -> Iterator[DICOMFile]:
        for file in files:
            retries[str(file.reference)] = file.retries
            yield file

    came, failed = taken(noting(wado(ordered=ordered).files([tree()])))
    again = {
        0: [path_of(CT), path_of(MR)],
        1: [path_of(CT), path_of(MR)],
        3: [path_of(MR)],
        4: instance_paths(REFS[4]),
    }[parts]

    assert (EVERYTHING, {}) == (came, failed)
    assert sorted([f"studies/{STUDY}", *again]) == sorted(archive.paths)
    assert [int(place >= parts) for place in range(5)] == [retries[str(ref)] for ref in REFS]
    assert len(again) == len(waits.seconds)


def test_a_body_without_an_end_mark_is_asked_for_again(archive: Scripted, wado: Make) -> None:
    """W01: its last instance may be cut between two elements."""
    answer(archive)
    body = multipart(FILES.values(), lengths=False, closed=False)
    archive.replies[f"studies/{STUDY}"] = [Reply(body, framed=False)]
    came, failed = taken(wado().files([tree()]))

    assert (EVERYTHING, {}) == (came, failed)
    assert [f"studies/{STUDY}", *instance_paths(REFS[4])] == archive.paths


def test_an_archive_that_always_cuts_is_given_up(archive: Scripted, wado: Make) -> None:
    """After as many attempts as are set; what it cut is named, with the reason."""
    answer(archive)
    cut = len(FILES[REFS[4]]) // 2
    archive.replies[f"studies/{STUDY}"] = [Reply(MULTIPART, cut=len(MULTIPART) - cut)]
    archive.replies[path_of(REFS[4])] = [Reply(multipart([FILES[REFS[4]]]), cut=cut)]
    came, failed = taken(wado(attempts=3).files([tree()]))

    assert [str(ref) for ref in REFS[:4]] == list(came)
    assert [str(REFS[4])] == list(failed)
    assert "shorter" in failed[str(REFS[4])]
    assert 2 == archive.times[path_of(REFS[4])]


def test_the_unknown_is_listed_when_it_was_cut(archive: Scripted, wado: Make) -> None:
    """Nobody knows what is in a bare study; what the archive lists has to be reached."""
    answer(archive)
    cut = len(multipart(list(FILES.values())[:4], closed=False)) + 700
    archive.replies[f"studies/{STUDY}"] = [Reply(MULTIPART, cut=cut)]
    archive.replies[f"studies/{STUDY}/metadata"] = [listing(*REFS)]
    came, failed = taken(wado().files([StudyReference(STUDY)]))

    assert (EVERYTHING, {}) == (came, failed)
    assert [
        f"studies/{STUDY}",
        f"studies/{STUDY}/metadata",
        *instance_paths(REFS[4]),
    ] == archive.paths


def test_the_unknown_that_cannot_be_listed_is_a_failure(archive: Scripted, wado: Make) -> None:
    """What came of it is good; that there may be more is said, by the name of the study."""
    cut = len(multipart(list(FILES.values())[:4], closed=False)) + 700
    archive.replies[f"studies/{STUDY}"] = [Reply(MULTIPART, cut=cut)]
    came, failed = taken(wado().files([StudyReference(STUDY)]))

    assert [str(ref) for ref in REFS[:4]] == list(came)
    assert [STUDY] == list(failed)


def test_a_series_that_is_always_cut_comes_by_instance(archive: Scripted, wado: Make) -> None:
    """W02: it is asked for once more, and then in smaller questions."""
    answer(archive)
    path, held = path_of(CT), [FILES[ref] for ref in REFS[:3]]
    archive.replies[path] = [Reply(multipart(held), cut=700)]
    came, failed = taken(wado(attempts=3).files(tree().series[:1]))

    assert ({str(ref): FILES[ref] for ref in REFS[:3]}, {}) == (came, failed)
    assert {path: 2, **dict.fromkeys(instance_paths(*REFS[:3]), 1)} == archive.times


def test_whoever_is_to_ask_once_asks_in_smaller_questions(archive: Scripted, wado: Make) -> None:
    """No question is asked twice; another question is another one."""
    answer(archive)
    archive.replies[f"studies/{STUDY}"] = [Reply(MULTIPART, cut=700)]
    came, failed = taken(wado(attempts=1).files([tree()]))

    assert (EVERYTHING, {}) == (came, failed)
    assert {1} == set(archive.times.values())


@pytest.mark.parametrize("known", [True, False])
def test_a_cut_between_two_instances_is_seen(
    archive: Scripted,
    wado: Make,
    known: bool,
) -> None:
    """W01: what came is whole, all of it; there may be more."""
    answer(archive)
    body = multipart(list(FILES.values())[:4], closed=False)
    archive.replies[f"studies/{STUDY}"] = [Reply(body, framed=False)]
    archive.replies[f"studies/{STUDY}/metadata"] = [listing(*REFS)]
    came, failed = taken(wado().files([tree() if known else StudyReference(STUDY)]))

    assert (EVERYTHING, {}) == (came, failed)
    assert 1 == archive.times[path_of(REFS[4])]


@pytest.mark.parametrize(
    "listed", [listing(), listing(*REFS[:3]), listing(*REFS[:4]), Reply(status=500)]
)
def test_a_listing_that_shows_no_more_is_no_proof(
    archive: Scripted, wado: Make, listed: Reply
) -> None:
    """W12, W16: the archive says that it has more, and lists less: that is said."""
    answer(archive)
    archive.replies[f"studies/{STUDY}"] = [Reply(multipart(list(FILES.values())[:4]), status=206)]
    archive.replies[f"studies/{STUDY}/metadata"] = [listed]
    came, failed = taken(wado().files([StudyReference(STUDY)]))

    assert [str(ref) for ref in REFS[:4]] == list(came)
    assert [STUDY] == list(failed)
    assert "206" in failed[STUDY]


@pytest.mark.parametrize("at", [5 << 20, 8 << 20])
def test_a_large_instance_goes_on_where_it_was_cut(archive: Scripted, wado: Make, at: int) -> None:
    """Its first bytes are with the consumer already; the same bytes follow, asked for anew."""
    content = large(9 << 20)
    ref = REFS[0]
    archive.replies[path_of(ref)] = [
        Reply(multipart([content]), cut=at),
        Reply(multipart([content]), cut=at + (1 << 20)),
        Reply(multipart([content])),
    ]
    files = wado().files([ref])
    file = next(files)
    came = b"".join(file.chunks)

    assert content == came
    assert [] == list(files)
    assert 2 == file.retries
    assert len(content) == file.size


def test_a_large_instance_that_is_left_is_closed(archive: Scripted, wado: Make) -> None:
    """What was asked for again for its sake, too, as soon as the next one is asked for."""
    gate = Gate(4)
    archive.replies[path_of(REFS[0])] = [
        Reply(multipart([large(30 << 20)]), cut=6 << 20),
        Reply(multipart([large(30 << 20)])),
    ]
    archive.replies[path_of(REFS[1])] = [Reply(multipart([FILES[REFS[1]]]))]
    files = wado(gate=gate, parallel=1).files(REFS[:2])
    file = next(files)
    came = 0
    while came < 7 << 20:
        came += len(next(file.chunks))
    rest = list(files)

    assert [REFS[1]] == [other.reference for other in rest]
    assert 0 == gate.inside
    assert [] == list(file.chunks)


def test_a_large_instance_that_has_changed_is_a_failure(archive: Scripted, wado: Make) -> None:
    """Half of one and half of another is no instance."""
    archive.replies[path_of(REFS[0])] = [
        Reply(multipart([large(9 << 20)]), cut=6 << 20),
        Reply(multipart([large(9 << 20, fill=1)])),
    ]
    came, failed = taken(wado().files(REFS[:1]))

    assert {} == came
    assert "other bytes" in failed[str(REFS[0])]


def test_a_large_instance_that_is_always_cut_is_a_failure(archive: Scripted, wado: Make) -> None:
    """After as many attempts as are set; and what follows it in the answer comes."""
    archive.replies[f"studies/{STUDY}"] = [
        Reply(multipart([large(9 << 20), FILES[REFS[1]]]), cut=6 << 20)
    ]
    archive.replies[path_of(REFS[0])] = [Reply(multipart([large(9 << 20)]), cut=6 << 20)]
    archive.replies[path_of(REFS[1])] = [Reply(multipart([FILES[REFS[1]]]))]
    archive.replies[f"studies/{STUDY}/metadata"] = [listing(*REFS[:2])]
    came, failed = taken(wado(attempts=3).files([StudyReference(STUDY)]))

    assert [str(REFS[1])] == list(came)
    assert [str(REFS[0])] == list(failed)
    assert 2 == archive.times[path_of(REFS[0])]


# ---------------------------------------------------------------- answers that are not all


@pytest.mark.parametrize("status", [206, 200])
def test_what_an_answer_leaves_out_is_asked_for(archive: Scripted, wado: Make, status: int) -> None:
    """W12: whether it says so or not; in smaller questions, without waiting."""
    answer(archive)
    archive.replies[f"studies/{STUDY}"] = [
        Reply(multipart(list(FILES.values())[:2]), status=status)
    ]
    came, failed = taken(wado().files([tree()]))

    assert (EVERYTHING, {}) == (came, failed)
    assert {f"studies/{STUDY}", path_of(MR), *instance_paths(REFS[2])} == set(archive.paths)


def test_a_partial_answer_of_the_unknown_is_compared_with_the_listing(
    archive: Scripted, wado: Make
) -> None:
    """W12: the archive says that there is more, so somebody has to say what."""
    answer(archive)
    archive.replies[f"studies/{STUDY}"] = [Reply(multipart(list(FILES.values())[:4]), status=206)]
    archive.replies[f"studies/{STUDY}/metadata"] = [listing(*REFS)]
    came, failed = taken(wado().files([StudyReference(STUDY)]))

    assert (EVERYTHING, {}) == (came, failed)


@pytest.mark.parametrize("reply", [Reply(status=204), Reply(multipart([])), Reply(b"")])
def test_an_answer_that_holds_nothing_is_not_taken_for_all(
    archive: Scripted, wado: Make, reply: Reply
) -> None:
    """W13: of a known study all is asked for in smaller questions; an unknown one has failed."""
    answer(archive)
    archive.replies[f"studies/{STUDY}"] = [reply]
    archive.replies[f"studies/{STUDY}/metadata"] = [listing()]
    known, unknown = taken(wado().files([tree()])), taken(wado().files([StudyReference(STUDY)]))

    assert (EVERYTHING, {}) == known
    assert ({}, [STUDY]) == (unknown[0], list(unknown[1]))


@pytest.mark.parametrize("status", [404, 413, 500, 504])
def test_what_is_refused_as_a_whole_is_asked_for_in_parts(
    archive: Scripted, wado: Make, status: int
) -> None:
    """Q33, W27, 413: the study is not to be had, its series are."""
    answer(archive)
    archive.replies[f"studies/{STUDY}"] = [Reply(status=status, kind="text/plain")]
    came, failed = taken(wado().files([tree()]))

    assert (EVERYTHING, {}) == (came, failed)


@pytest.mark.parametrize("status", [404, 413, 500, 504])
def test_and_the_parts_in_parts(archive: Scripted, wado: Make, status: int) -> None:
    """W26, W27: one instance is not to be had, and spoils no other."""
    answer(archive)
    for path in (f"studies/{STUDY}", path_of(CT), path_of(REFS[1])):
        archive.replies[path] = [Reply(status=status, kind="text/plain")]
    came, failed = taken(wado().files([tree()]))

    assert {str(ref) for ref in REFS if ref != REFS[1]} == set(came)
    assert [str(REFS[1])] == list(failed)
    assert str(status) in failed[str(REFS[1])]


def test_a_busy_archive_is_not_asked_for_more(archive: Scripted, wado: Make) -> None:
    """503 after all attempts: smaller questions would only be more of them."""
    archive.replies[f"studies/{STUDY}"] = [Reply(status=503, kind="text/plain")]
    came, failed = taken(wado(attempts=2).files([tree()]))

    assert ({}, {str(ref) for ref in REFS}) == (came, set(failed))
    assert [f"studies/{STUDY}"] * 2 == archive.paths


# ---------------------------------------------------------------- what is not wanted


def test_another_study_is_refused(archive: Scripted, wado: Make) -> None:
    """W14: it is not passed on, and what should have come is asked for on its own."""
    answer(archive)
    contents = [OTHER, *list(FILES.values())[1:]]
    archive.replies[f"studies/{STUDY}"] = [Reply(multipart(contents))]
    came, failed = taken(wado().files([tree()]))

    assert (EVERYTHING, {}) == (came, failed)
    assert [f"studies/{STUDY}", *instance_paths(REFS[0])] == archive.paths


@pytest.mark.parametrize(
    ("came", "said"),
    [
        (OTHER, "another study"),
        (FILES[REFS[4]], "another series"),
        (FILES[REFS[1]], "another instance"),
        (b"<svg/>" * 99, "not DICOM"),
    ],
)
def test_what_came_instead_is_the_reason(
    archive: Scripted, wado: Make, came: bytes, said: str
) -> None:
    """W14, W24: the instance that was asked for has failed, and says why."""
    archive.replies[path_of(REFS[0])] = [Reply(multipart([came]))]
    result, failed = taken(wado().files(REFS[:1]))

    assert {} == result
    assert said in failed[str(REFS[0])]


def test_the_same_instance_twice_comes_once(archive: Scripted, wado: Make) -> None:
    """W15: in one answer, and in two."""
    answer(archive)
    archive.replies[f"studies/{STUDY}"] = [Reply(multipart([*FILES.values(), *FILES.values()]))]
    came, failed = taken(wado().files([StudyReference(STUDY), CT, *REFS]))

    assert (EVERYTHING, {}) == (came, failed)


def test_another_uid_in_the_file_meta_is_no_reason(archive: Scripted, wado: Make) -> None:
    """W28: the data set counts."""
    ref = REFS[0]
    uid = ref.instance_uid.encode()
    content = FILES[ref].replace(uid, b"9" * len(uid), 1)
    archive.replies[path_of(ref)] = [Reply(multipart([content]))]
    came, failed = taken(wado().files([ref]))

    assert ({str(ref): content}, {}) == (came, failed)
    assert ref.instance_uid != walk([content]).meta_instance_uid


# ---------------------------------------------------------------- nobody there, and nobody let in


def test_nobody_there_is_raised() -> None:
    """Not one failure for each instance."""
    with Scripted() as gone:
        url = gone.url
    with Transport(url, retries=Retries(attempts=1)) as transport:
        files = WadoRS(transport).files(REFS)
        with pytest.raises(ArchiveUnavailableError):
            next(files)


def test_an_archive_that_goes_away_fails_what_is_left(wado: Make, archive: Scripted) -> None:
    """What came is good; the rest is named, and is not asked for one by one."""
    answer(archive)
    files = wado(attempts=1, parallel=1).files([CT, *REFS])
    first = next(files)
    archive.stop()
    came, failed = taken(files)

    assert str(first.reference) not in failed
    assert {str(ref) for ref in REFS} == {str(first.reference), *came, *failed}
    assert failed


@pytest.mark.parametrize("status", [401, 403])
def test_nobody_is_let_in(archive: Scripted, wado: Make, status: int) -> None:
    """To ask in other words helps nobody."""
    archive.replies[f"studies/{STUDY}"] = [Reply(status=status)]
    with pytest.raises(AuthenticationError):
        next(wado().files([tree()]))

    assert [f"studies/{STUDY}"] == archive.paths


def test_settings_are_checked(archive: Scripted) -> None:
    """Before anything is asked."""
    with pytest.raises(InvalidInputError):
        WadoRS(archive.url, parallel=0)


# ---------------------------------------------------------------- several at a time


def test_answers_flow_at_once(archive: Scripted, wado: Make) -> None:
    """An answer that does not begin holds up no other."""
    stalled = threading.Event()
    answer(archive, singly=False)
    held = multipart(FILES[ref] for ref in REFS[:3])
    hold = partial(stalled.wait, LONG)
    archive.replies[path_of(CT)] = [Reply(held, hold=hold, held_back=len(held))]
    files = wado(parallel=2).files([CT, MR])
    first = [next(files).reference for _ in REFS[3:]]
    stalled.set()
    rest = [file.reference for file in files]

    assert list(REFS[3:]) == first
    assert list(REFS[:3]) == rest


def test_in_order_if_that_is_asked_for(archive: Scripted, wado: Make) -> None:
    """The first question is answered last, and comes first."""
    answer(archive)
    reply = archive.replies[path_of(CT)][0]
    assert isinstance(reply, Reply)
    mr_asked = archive.wait_for_path(path_of(MR))
    archive.replies[path_of(CT)] = [attrs.evolve(reply, hold=mr_asked, held_back=len(reply.body))]
    files = wado(parallel=2, ordered=True).files([CT, MR])

    assert list(REFS) == [file.reference for file in files]


def test_in_order_even_if_asked_for_again(archive: Scripted, wado: Make) -> None:
    """What was cut comes before the answer to the next question, which is here already."""
    answer(archive)
    held = multipart(FILES[ref] for ref in REFS[:3])
    archive.replies[path_of(CT)] = [Reply(held, cut=700), Reply(held)]
    expected = [
        Series(CT.series_uid, instances=[Instance(ref.instance_uid) for ref in REFS[:3]]),
        Series(MR.series_uid, instances=[Instance(ref.instance_uid) for ref in REFS[3:]]),
    ]
    files = wado(ordered=True).files([Study(STUDY, series=expected)])

    assert list(REFS) == [file.reference for file in files]


@pytest.mark.parametrize(("parallel", "limit", "most"), [(1, 4, 1), (4, 2, 2), (3, 8, 3)])
def test_no_more_at_a_time_than_allowed(
    archive: Scripted, wado: Make, parallel: int, limit: int, most: int
) -> None:
    """Neither more than `parallel`, nor more than the gate lets through."""
    answer(archive)
    client = wado(gate=Gate(limit), parallel=parallel)
    for _ in range(5):
        taken(client.files(REFS))

    assert most >= archive.most


@pytest.mark.parametrize("ordered", [False, True])
def test_other_questions_between_two_files(archive: Scripted, wado: Make, ordered: bool) -> None:
    """Even where only one may ask at a time, nobody waits for ever."""
    answer(archive)
    archive.replies[f"studies/{STUDY}"] = [Reply(multipart([*FILES.values(), large(40 << 20)]))]
    gate = Gate(1)
    other = wado(gate=gate)
    for file in wado(gate=gate, ordered=ordered).files([StudyReference(STUDY), CT, MR]):
        assert file.read()
        assert file.reference is not None
        assert other.get_dataset(to_instance_refs([REFS[0]])[0])


def test_an_open_answer_of_the_same_thread(archive: Scripted, wado: Make) -> None:
    """Who holds the only place, and downloads meanwhile, is not stuck."""
    answer(archive)
    gate = Gate(1)
    outer = wado(gate=gate)
    with Transport(archive.url, gate=gate) as transport, transport.get(path_of(CT)):
        came, failed = taken(outer.files(REFS))

    assert (EVERYTHING, {}) == (came, failed)


# ---------------------------------------------------------------- nothing is left behind


def readers() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name.startswith("gurney")]


@pytest.mark.parametrize("way", ["close", "delete", "raise", "exhaust"])
def test_nothing_is_left_behind(archive: Scripted, wado: Make, way: str) -> None:
    """However a download ends: no thread, no connection in use, no place at the gate."""
    answer(archive)
    release = threading.Event()
    gate = Gate(2)
    if way != "exhaust":  # one answer stops in its second part
        body = multipart([FILES[REFS[3]], large(200_000)])
        hold = partial(release.wait, LONG)
        archive.replies[path_of(MR)] = [Reply(body, hold=hold, held_back=100_000)]
    files = wado(gate=gate).files([CT, MR, *REFS])
    next(files)
    if way == "close":
        files.close()  # type: ignore[attr-defined]  # a generator
    elif way == "delete":
        del files
        gc.collect()
    elif way == "raise":
        with pytest.raises(ZeroDivisionError):
            files.throw(ZeroDivisionError)  # type: ignore[attr-defined]  # a generator
    else:
        list(files)
    left, inside = readers(), gate.inside
    release.set()

    assert [] == left
    assert 0 == inside
