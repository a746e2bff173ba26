"""Downloading by C-GET from archives that misbehave: each quirk by its id, see FAULTS."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Sequence
from functools import partial
from typing import Final

import attrs
import pytest
from pydicom.dataset import Dataset
from pydicom.uid import UID, DeflatedExplicitVRLittleEndian, ImplicitVRLittleEndian, RLELossless
from tests.hostile.examples import FIRST, HEAD, SECOND, THIRD, Download, fetch, known
from typing_extensions import override

from gurney.core import (
    CHUNK_SIZE,
    ArchiveUnavailableError,
    AuthenticationError,
    DICOMDownloadable,
    DICOMFile,
    DownloadError,
    OutcomeStatus,
    StorageError,
    StudyReference,
    decode,
    put,
    to_instance_refs,
    walk,
)
from gurney.dimse import Associations, CGet, Peer, Retries, Timeouts
from gurney.testing import differences, example_datasets, reference_of
from gurney.testing.dimse import (
    Agreement,
    DIMSEServer,
    Done,
    Exchange,
    Fault,
    Opened,
    Plan,
    Proposal,
    Rejection,
    Service,
    Store,
    Stored,
    many_classes,
)
from gurney.testing.dimse.steps import Ending
from gurney.testing.making import MadeSeries, made

STUDY_ROOT_GET: Final = "1.2.840.10008.5.1.4.1.2.2.3"
UNIQUE: Final = ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID")
ALL: Final = [FIRST, SECOND, THIRD]
SHORT: Final = Timeouts(connect=10.0, answer=10.0, idle=10.0, release=10.0)
QUICK: Final = Retries(attempts=3, first_wait=0.0, longest_wait=0.0)


def peer_of(server: DIMSEServer, timeouts: Timeouts = SHORT) -> Peer:
    """Return the address of *server*, where nobody waits before asking again."""
    return Peer("127.0.0.1", server.port, server.ae_title, timeouts=timeouts, retries=QUICK)


def c_get(server: DIMSEServer, timeouts: Timeouts = SHORT) -> CGet:
    """Return a C-GET of *server*."""
    return CGet(peer_of(server, timeouts))


def download(server: DIMSEServer, objects: Iterable[DICOMDownloadable] | None = None) -> Download:
    """Fetch *objects*, by default the study of three, as a trolley does."""
    with Associations(peer_of(server)) as associations:
        return fetch(CGet(associations), objects)


def asked(server: DIMSEServer) -> list[str]:
    """Return the levels of the C-GET requests, and how many instances each names, if any."""
    gets = (request for request in server.requests if request.service is Service.GET)
    levels = ((request.level, len(request.values("SOPInstanceUID"))) for request in gets)
    return [f"{level} {count}" if count else level for level, count in levels]


def matching(download: Download) -> bool:
    """Say whether the study of three came whole, each data set as the archive holds it."""
    return sorted(download.files) == ALL and all(
        not differences(dataset, DICOMFile(iter([content])).dataset())
        for dataset in example_datasets()
        for reference, content in download.files.items()
        if reference == reference_of(dataset)
    )


# ---------------------------------------------------------------- an archive that behaves


def test_study_comes_whole() -> None:
    """In one request; associations are released in the end."""
    with DIMSEServer(example_datasets()) as server:
        done = download(server)

    assert done.receipt.complete
    assert matching(done)
    assert ["STUDY"] == asked(server)
    assert {"released"} == {association.ended for association in server.associations}


def test_file_is_part_10() -> None:
    """The head is ours, and nothing is wrong with it; the same bytes come every time."""
    with DIMSEServer(example_datasets()) as server:
        first, second = download(server).files, download(server).files

    assert first == second
    assert {("", ())} == {(walk([c]).fault, walk([c]).oddities) for c in first.values()}


@pytest.mark.parametrize("fault", ["D08", "D09", "D24", "D27"])
def test_what_must_never_be_sent(fault: str) -> None:
    """D08, D09, D24, D27: the level and its unique keys, none of them empty, and nothing else."""
    with DIMSEServer(example_datasets(), [fault]) as server:
        study = download(server, [*known(), FIRST, StudyReference("2.25.4001")])
        lists = download(server, ALL)
        requests = [each for each in server.requests if each.service is Service.GET]

    assert study.receipt.complete
    assert lists.receipt.complete
    assert {"STUDY", "IMAGE"} == {request.level for request in requests}
    for request in requests:
        keywords = {element.keyword for element in request.identifier}
        values = [request.values(keyword) for keyword in keywords]
        depth = ["STUDY", "SERIES", "IMAGE"].index(request.level) + 1
        assert {"QueryRetrieveLevel", *UNIQUE[:depth]} == keywords
        assert all(values)
        assert not any(set("*?") & set(value) for each in values for value in each)


# ---------------------------------------------------------------- D10 to D16: what it says


@pytest.mark.parametrize("fault", ["D10", "D11"])
def test_D10_D11_unknown_study_is_no_success(fault: str) -> None:  # noqa: N802  ids of quirks
    """0x0000 without sub-operations, and 0xC000: each instance fails, and says why."""
    with DIMSEServer(example_datasets(), [fault]) as server:
        done = download(server)

        assert not done.receipt.complete
        assert 3 == len(done.reasons)
        assert {} == done.files
        assert all(request.startswith(("STUDY", "SERIES", "IMAGE")) for request in asked(server))


@pytest.mark.parametrize("fault", ["D10", "D11"])
def test_D10_D11_each_instance_is_a_file_that_raises(fault: str) -> None:  # noqa: N802
    """Who does not count for himself learns it, too: none that is known to be there is left out."""
    with DIMSEServer(example_datasets(), [fault]) as server:
        failed = [file.reference for file in c_get(server).files(known()) if fails(file)]

    assert len(ALL) == len(failed)
    assert set(ALL) == set(failed)


def test_D10_bare_study_that_is_unknown_is_a_failure() -> None:  # noqa: N802
    """No listing, nothing to come: one file that raises and names the study."""
    stranger = StudyReference("2.25.4999")
    with DIMSEServer(example_datasets(), ["D10"]) as server:
        (file,) = c_get(server).files([stranger])
        with pytest.raises(DownloadError) as caught:
            file.read()

    assert stranger == file.reference
    assert "lists nothing" in str(caught.value)


@pytest.mark.parametrize("fault", ["D12", "D13"])
@pytest.mark.parametrize("listed", [True, False])
def test_D12_D13_failures_do_not_hide(fault: str, listed: bool) -> None:  # noqa: N802
    """Whatever the status and the list of failures: what came is kept, the rest fails by name."""
    failing = [SECOND.instance_uid]
    with DIMSEServer(example_datasets(), [fault], failing=failing, listed=listed) as server:
        done = download(server)

        assert sorted(done.files) == [FIRST, THIRD]
        assert 1 == len(done.reasons)
        assert (SECOND,) == done.receipt.studies[0].missing
        assert "IMAGE 1" == asked(server)[-1]


@pytest.mark.parametrize("status", [0xA700, 0xA702, 0xB000, 0xC001, 0xFE00, 0x0000])
def test_D13_what_failed_is_asked_for_again_one_by_one(status: int) -> None:  # noqa: N802
    """It comes then, whatever the status was."""
    with DIMSEServer(
        example_datasets(), ["D13"], failing=[SECOND.instance_uid], status=status, times=1
    ) as server:
        done = download(server)

    assert done.receipt.complete
    assert matching(done)
    assert ["STUDY", "IMAGE 1"] == asked(server)
    assert {"released"} == {association.ended for association in server.associations}


def test_D14_roles_not_granted() -> None:  # noqa: N802
    """The archive is not asked at all, and the reason says what to do."""
    with DIMSEServer(example_datasets(), ["D14"]) as server:
        done = download(server)
        roles = server.associations[-1].proposal.roles

        assert [] == asked(server)
    assert {True} == {role.scp for role in roles.values()}
    assert 3 == len(done.reasons)
    assert {} == done.files
    assert "does not grant" in done.reasons[0]


@pytest.mark.parametrize("others", [[], ["D12"]])
def test_D16_counts_absent(others: list[str]) -> None:  # noqa: N802
    """Nothing depends on numbers: what was expected has to come, or fails."""
    with DIMSEServer(example_datasets(), ["D16", *others], failing=[SECOND.instance_uid]) as server:
        done = download(server)

    assert (not others) == done.receipt.complete
    assert len(ALL) - len(others) == len(done.files)


@pytest.mark.parametrize("others", [[], ["D12"]])
def test_D16_each_instance_that_failed_is_a_file_that_raises(others: list[str]) -> None:  # noqa: N802
    """That no failures are counted does not mean that there are none."""
    with DIMSEServer(example_datasets(), [*others, "D16"], failing=[SECOND.instance_uid]) as server:
        failed = [file.reference for file in c_get(server).files(known()) if fails(file)]

    assert [SECOND] * len(others) == failed


class Content(Fault):
    """Says that all went well, and gives no numbers, whatever could not be sent."""

    @override
    def planned(self, exchange: Exchange, plan: Plan, /) -> Plan:
        """Say so."""
        if exchange.asked.service is not Service.GET:
            return plan
        stores = [step for step in plan.steps if isinstance(step, Store)]
        return Plan([*stores, Done(0x0000, counted=False)])


def test_D16_without_counts_every_association_is_tried() -> None:  # noqa: N802
    """A study that cannot be listed, of a common class and a rare one: both come, unproved."""
    rare = "1.2.840.10008.5.1.4.1.1.88.77"
    datasets = made("2.25.4005", {}, MadeSeries("OT", 2))
    put(datasets[1], "SOPClassUID", [rare])
    datasets[1].file_meta.MediaStorageSOPClassUID = UID(rare)
    with DIMSEServer(datasets, ["D28", Content()]) as server:
        files = list(c_get(server).files([StudyReference("2.25.4005")]))
        failed = [file.reference for file in files if fails(file)]

    assert 2 == len(files) - len(failed)
    assert [StudyReference("2.25.4005")] == failed
    assert 1 < len(asked(server))


def test_bare_study_is_listed_first() -> None:
    """What the archive lists has to come, though nobody has searched for it."""
    with DIMSEServer(example_datasets(), ["D12"], failing=[SECOND.instance_uid]) as server:
        files = list(c_get(server).files([StudyReference(HEAD)]))
        failed = [str(file.reference) for file in files if fails(file)]

    assert [str(SECOND)] == failed


@pytest.mark.parametrize(
    ("faults", "complete"),
    [(["D28"], True), (["D28", "D16"], False), (["D28", "D12"], False), (["D28", "D10"], False)],
    ids=["D28", "D28-D16", "D28-D12", "D28-D10"],
)
def test_bare_study_that_cannot_be_listed_needs_proof(faults: list[str], complete: bool) -> None:
    """Without a listing, the archive's own count is all there is; without it, who knows."""
    with DIMSEServer(example_datasets(), faults, failing=[SECOND.instance_uid]) as server:
        files = list(c_get(server).files([StudyReference(HEAD)]))
        failed = [file.reference for file in files if fails(file)]

    assert ([] if complete else [StudyReference(HEAD)]) == failed
    assert len(files) - len(failed) == (0 if "D10" in faults else len(ALL) - faults.count("D12"))


def fails(file: DICOMFile) -> bool:
    """Say whether *file* cannot be had."""
    try:
        file.read()
    except DownloadError:
        return True
    return False


# ---------------------------------------------------------------- D17 to D20: time, and strangers


def test_D17_silence_is_waited_out() -> None:  # noqa: N802
    """Between two answers there is as much time as `Timeouts.answer` says."""
    with DIMSEServer(example_datasets(), ["D17"], pause=0.2) as server:
        assert download(server).receipt.complete


def test_D17_silence_without_end_is_an_interruption() -> None:  # noqa: N802
    """After that, it is given up, and what has not come is asked for over another association."""
    impatient = Timeouts(connect=10.0, answer=0.1, idle=10.0, release=10.0)
    with DIMSEServer(example_datasets(), ["D17"], pause=60.0, times=1) as server:
        get = c_get(server, impatient)
        files = {file.reference: file.read() for file in get.files(known())}
        associations = len(server.associations)

    assert sorted(ALL) == sorted(files, key=str)
    assert 2 == associations


def test_D19_unasked_instance_is_refused(caplog: pytest.LogCaptureFixture) -> None:  # noqa: N802
    """One of another study is neither passed on nor acknowledged; all others come."""
    with DIMSEServer(example_datasets(), ["D19"]) as server:
        done = download(server)
        references = [file.reference for file in c_get(server).files(known())]

    assert ALL == references
    assert matching(done)
    assert "0xB000" in caplog.text  # so the archive has counted it as a failure
    assert {OutcomeStatus.STORED} == {each.status for each in done.receipt.studies[0].outcomes}


def test_D20_whoever_leaves_cancels_and_aborts() -> None:  # noqa: N802
    """A download that is given up does not wait for the rest of it, even if that is sent."""
    with DIMSEServer(example_datasets(), ["D20"]) as server:
        files = c_get(server).files(known())
        next(files)
        files.close()  # type: ignore[attr-defined]  # it is a generator
        done = download(server)
        services = [request.service for request in server.requests]
        ended = server.associations[0].ended

    assert done.receipt.complete
    assert ended in {"aborted", "cut"}  # which one is seen first is left to chance
    assert Service.CANCEL in services or [Service.GET] * 2 == services


def test_full_disk_ends_the_download() -> None:
    """What could not be kept is the last that came; the association does not stay open."""
    with DIMSEServer(example_datasets()) as server:
        files = c_get(server).files(known())
        with pytest.raises(StorageError):
            keep_on_full_disk(files)
        (association,) = server.associations
    assert association.ended in {"aborted", "cut"}


def keep_on_full_disk(files: Iterable[DICOMFile]) -> None:
    """Fail at the first."""
    for _ in files:
        raise StorageError("the disk is full")


# ---------------------------------------------------------------- D21 to D24: contexts and lists


def test_D21_more_classes_than_contexts() -> None:  # noqa: N802
    """Over as many associations as it takes, none with more than 128 contexts."""
    datasets = many_classes()
    study = known("2.25.4021", datasets)
    with DIMSEServer(datasets, ["D21"]) as server:
        came = {file.reference for file in c_get(server).files(study) if not fails(file)}
        sizes = [len(each.proposal.contexts) for each in server.associations]
        requests = asked(server)

    assert set(to_instance_refs(study)) == came
    assert {"STUDY"} == set(requests)  # over each, and none had to be asked for again
    assert 1 < len(sizes)
    assert 128 >= max(sizes)


def test_D22_compressed_only() -> None:  # noqa: N802
    """What is compressed comes as it is stored: there is a context for it alone."""
    datasets = made("2.25.4005", {}, MadeSeries("XA", 2, transfer_syntax=RLELossless))
    with DIMSEServer(datasets, ["D22"]) as server:
        came = [file.dataset() for file in c_get(server).files(known("2.25.4005", datasets))]

    assert [RLELossless] * 2 == [dataset.file_meta.TransferSyntaxUID for dataset in came]
    assert [[], []] == [differences(*pair) for pair in zip(datasets, came, strict=True)]


def test_native_ones_come_in_the_encoding_they_are_stored_in() -> None:
    """Implicit VR is not made Explicit on the way, which would lose the VRs of private elements."""
    datasets = made("2.25.4005", {}, MadeSeries("CT", 1, transfer_syntax=ImplicitVRLittleEndian))
    with DIMSEServer(datasets) as server:
        (came,) = c_get(server).datasets(known("2.25.4005", datasets))
        syntax = came.file_meta.TransferSyntaxUID

    assert ImplicitVRLittleEndian == syntax


def test_D23_list_of_uids_refused() -> None:  # noqa: N802
    """Then one by one, and lists are not tried again."""
    datasets = made("2.25.4005", {}, *[MadeSeries("CT", 2)] * 3)
    references = to_instance_refs(known("2.25.4005", datasets))
    with DIMSEServer(datasets, ["D23"]) as server:
        came = [file.reference for file in c_get(server).files(references) if not fails(file)]
        requests = asked(server)

    assert list(references) == came
    assert ["IMAGE 2", *["IMAGE 1"] * 6] == requests


def test_lists_of_uids_are_not_too_long() -> None:
    """Up to 50 in a request, all of one series."""
    datasets = made("2.25.4005", {}, MadeSeries("CT", 120), MadeSeries("CT", 2))
    references = to_instance_refs(known("2.25.4005", datasets))
    with DIMSEServer(datasets) as server:
        came = [file.reference for file in c_get(server).files(references) if not fails(file)]
        requests = asked(server)

    assert list(references) == came
    assert ["IMAGE 50", "IMAGE 50", "IMAGE 20", "IMAGE 2"] == requests


# ---------------------------------------------------------------- D29 to D32: broken off


class GetRefused(Fault):
    """No context for C-GET is accepted; those for what would come are."""

    @override
    def negotiated(
        self, proposal: Proposal, answer: Agreement | Rejection, /
    ) -> Agreement | Rejection:
        """Support no C-GET."""
        if isinstance(answer, Rejection):
            return answer
        contexts = [
            attrs.evolve(one, result=3) if one.abstract_syntax == STUDY_ROOT_GET else one
            for one in answer.contexts
        ]
        return attrs.evolve(answer, contexts=tuple(contexts))


def test_D28_archive_without_c_get_says_so() -> None:  # noqa: N802
    """Nothing is asked in another context; each instance fails, and the reason names C-GET."""
    with DIMSEServer(example_datasets(), [GetRefused()]) as server:
        done = download(server)
        requests = [each.service for each in server.requests if each.service is not Service.FIND]

    assert [] == requests
    assert 3 == len(done.reasons)
    assert all("GET was not accepted" in reason for reason in done.reasons)


def test_D29_huge_pdu() -> None:  # noqa: N802
    """4 GB that are announced are not believed, and the archive is asked again."""
    with DIMSEServer(example_datasets(), ["D29"], times=1) as server:
        done = download(server)

    assert matching(done)


@pytest.mark.parametrize("ending", ["abort", "cut"])
@pytest.mark.parametrize("between", [True, False])
def test_D30_broken_off(ending: Ending, between: bool) -> None:  # noqa: N802
    """What came is kept, and only the rest is asked for again."""
    with DIMSEServer(
        example_datasets(), ["D30"], ending=ending, between=between, times=1
    ) as server:
        done = download(server)
        requests = asked(server)

    assert matching(done)
    assert "STUDY" == requests[0]
    assert all(request.startswith("IMAGE") for request in requests[1:])


def test_D30_again_and_again_is_given_up() -> None:  # noqa: N802
    """As often as `Retries` says; what came stays."""
    with DIMSEServer(example_datasets(), ["D30"], between=True) as server:
        done = download(server)
        requests = asked(server)

    assert not done.receipt.complete
    assert 0 < len(done.files)
    assert 12 > len(requests)


def test_D29_D30_archive_that_always_breaks_off_is_given_up() -> None:  # noqa: N802
    """A hundred instances do not find that out each on its own."""
    datasets = made("2.25.4005", {}, MadeSeries("CT", 200))
    with DIMSEServer(datasets, ["D29"]) as server:
        files = c_get(server).files(to_instance_refs(known("2.25.4005", datasets)))
        failed = [file.reference for file in files if fails(file)]
        requests = asked(server)

    assert 200 == len(failed)
    assert 20 > len(requests)


class Stumbles(Fault):
    """The association is aborted within some instances, always."""

    def __init__(self, uids: frozenset[str]) -> None:
        super().__init__()
        self.uids: frozenset[str] = uids

    @override
    def planned(self, exchange: Exchange, plan: Plan, /) -> Plan:
        """Fall over them."""
        steps = [
            attrs.evolve(step, cut_after=10, ending="abort")
            if isinstance(step, Store) and step.instance.reference.instance_uid in self.uids
            else step
            for step in plan.steps
        ]
        return attrs.evolve(plan, steps=steps)


@pytest.mark.parametrize("series", [1, 20], ids=["at once", "one by one"])
def test_D30_what_always_breaks_off_does_not_stop_what_stands_behind(series: int) -> None:  # noqa: N802
    """Eight instances fail, first in the list; the twelve sound ones come."""
    datasets = made("2.25.4006", {}, *[MadeSeries("CT", 20 // series)] * series)
    every = to_instance_refs(known("2.25.4006", datasets))
    bad = frozenset(ref.instance_uid for ref in every[:8])
    with DIMSEServer(datasets, [Stumbles(bad)]) as server:
        done = download(server, every)

    assert set(every[8:]) == set(done.files)
    assert 8 == len(done.reasons)


def test_D30_large_instance_goes_on_where_it_broke() -> None:  # noqa: N802
    """Its first bytes were passed on; the rest comes with another request."""
    datasets = made("2.25.4005", {}, MadeSeries("CT", 1, size=2400))
    with DIMSEServer(datasets, ["D30"], cut_after=5 << 20, times=1) as server:
        files = c_get(server).files(known("2.25.4005", datasets))
        file = next(files)
        content = file.read()
        requests = asked(server)

    assert "" == walk([content]).fault
    assert file.retries == 1
    assert ["STUDY", "IMAGE 1"] == requests


def test_large_instance_is_not_held() -> None:
    """Its chunks come as they arrive, and its answer is given when all have."""
    datasets = made("2.25.4005", {}, MadeSeries("CT", 2, size=2400))
    with DIMSEServer(datasets) as server:
        files = c_get(server).files(known("2.25.4005", datasets))
        sizes = [[len(chunk) for chunk in file.chunks] for file in files]

    assert [2400**2] * 2 == [sum(each) // 10**4 * 10**4 for each in sizes]
    assert max(map(max, sizes)) <= CHUNK_SIZE


def test_D31_re_encoded_on_the_way() -> None:  # noqa: N802
    """Other bytes, the same values: it is complete, whatever stands before its UIDs."""
    datasets = made("2.25.4005", {}, MadeSeries("CT", 2))
    for dataset in datasets:
        dataset.ReferencedStudySequence = [Dataset()]
        put(dataset.ReferencedStudySequence[0], "ReferencedSOPInstanceUID", ["2.25.4005"])
    with DIMSEServer(datasets) as server:
        stored = download(server, known("2.25.4005", datasets)).files
    with DIMSEServer(datasets, ["D31"]) as server:
        done = download(server, known("2.25.4005", datasets))

    assert done.receipt.complete
    assert stored.keys() == done.files.keys()
    for reference, content in done.files.items():
        assert stored[reference] != content
        assert [] == differences(decode(stored[reference], "stored"), decode(content, "come"))


class Unpadded(Fault):
    """Sends deflated data sets as long as they are, which may be odd."""

    @override
    def chosen(self, exchange: Exchange, instances: Sequence[Stored], /) -> Sequence[Stored]:
        """Leave the padding out."""
        return [attrs.evolve(one, open=partial(_unpadded, one)) for one in instances] or instances


def _unpadded(instance: Stored) -> Opened:
    found = instance.open()
    data = b"".join(found.pieces)
    stream = zlib.decompressobj(-zlib.MAX_WBITS)
    stream.decompress(data)
    return attrs.evolve(found, pieces=iter([data[: len(data) - len(stream.unused_data)]]))


def deflated() -> list[Dataset]:
    """Return a study of nine series, of which some have an odd length when they are deflated."""
    texts = ("0123456789"[:number] for number in range(9))
    datasets = made(
        "2.25.4032", {}, *[MadeSeries("OT", 1, {"SeriesDescription": text}) for text in texts]
    )
    for dataset in datasets:
        dataset.file_meta.TransferSyntaxUID = DeflatedExplicitVRLittleEndian
    return datasets


def test_D32_odd_length_is_taken_as_it_is() -> None:  # noqa: N802
    """Whoever sends one has it come whole: nothing is added, and nothing is missing."""
    datasets = deflated()
    with DIMSEServer(datasets, [Unpadded()]) as server:
        done = download(server, known("2.25.4032", datasets))

    assert done.receipt.complete
    assert {0, 1} == {len(content) % 2 for content in done.files.values()}
    assert {""} == {walk([content]).fault for content in done.files.values()}


def test_D32_who_stumbles_over_odd_lengths_fails_for_those_only() -> None:  # noqa: N802
    """Each is asked for as often as `Retries` says; all others come, and stay."""
    datasets = deflated()
    with DIMSEServer(datasets, [Unpadded()]) as server:
        files = download(server, known("2.25.4032", datasets)).files
    odd = {reference for reference, content in files.items() if len(content) % 2}
    with DIMSEServer(datasets, [Unpadded(), "D32"]) as server:
        done = download(server, known("2.25.4032", datasets))
        requests = asked(server)

    assert files.keys() - odd == done.files.keys()
    assert len(odd) == len(done.reasons)
    assert len(requests) <= 1 + QUICK.attempts * len(odd)


# ---------------------------------------------------------------- nobody there


def test_nobody_there() -> None:
    """That is an error, not a list of failures."""
    with DIMSEServer(example_datasets()) as server:
        get = c_get(server)
    with pytest.raises(ArchiveUnavailableError):
        list(get.files(known()))


def test_wrong_title_is_told_at_once() -> None:
    """An archive that does not know us is not asked again and again."""
    with DIMSEServer(example_datasets()) as server:
        get = CGet(Peer("127.0.0.1", server.port, "SOMEBODY", timeouts=SHORT, retries=QUICK))
        with pytest.raises(AuthenticationError):
            list(get.files(known()))
