"""What C-GET is made of: heads of files, arrivals, identifiers, contexts, classes."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from io import BytesIO
from pathlib import Path

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydicom import dcmread, dcmwrite
from pydicom.dataset import Dataset
from pydicom.uid import (
    CTImageStorage,
    DeflatedExplicitVRLittleEndian,
    ExplicitVRBigEndian,
    ExplicitVRLittleEndian,
    ImplicitVRLittleEndian,
    JPEG2000Lossless,
    MRImageStorage,
    RLELossless,
    SecondaryCaptureImageStorage,
    XRayRadiationDoseSRStorage,
)

from gurney.core import (
    BudgetExceededError,
    Completeness,
    DICOMDownloadable,
    DICOMObjectReference,
    Instance,
    InstanceReference,
    InvalidInputError,
    InvalidUIDError,
    ProtocolViolationError,
    Query,
    Searcher,
    SearchError,
    SearchResult,
    Series,
    SeriesReference,
    Study,
    StudyReference,
    TransferInterruptedError,
    encode,
    put,
    walk,
)
from gurney.dimse.association import MOST_CONTEXTS, Command, Context, Proposed
from gurney.dimse.association.commands import c_store_rq
from gurney.dimse.get.classes import Classes
from gurney.dimse.get.contexts import COMMONEST, can_all_come, proposals
from gurney.dimse.get.detours import Detours
from gurney.dimse.retrieving import arrival, head_of, identifier_of
from gurney.dimse.retrieving.statuses import Advice, advice, meaning
from gurney.retrieving import Wanted, expectation, in_lists, peek_dataset, plan
from gurney.testing import MemoryArchive, example_datasets
from gurney.testing.making import MadeSeries, made

GET = "1.2.840.10008.5.1.4.1.2.2.3"
ONE = InstanceReference("1.2.3", "1.2.301", "1.2.301001")


def data_set(content: bytes) -> bytes:
    """Return the data set of a file."""
    return content[walk([content]).data_set_offset :]


def in_syntax(dataset: Dataset, syntax: str) -> bytes:
    """Return the data set of *dataset*, encoded anew, with sequences of undefined length."""
    plain = Dataset()
    plain.update(dataset)
    plain.ReferencedImageSequence = [item(item()), item()]
    for each in plain["ReferencedImageSequence"].value:
        each.is_undefined_length_sequence_item = True
    plain["ReferencedImageSequence"].is_undefined_length = True
    output = BytesIO()
    dcmwrite(
        output,
        plain,
        implicit_vr=syntax == ImplicitVRLittleEndian,
        little_endian=syntax != ExplicitVRBigEndian,
        enforce_file_format=False,
    )
    return output.getvalue()


def item(*nested: Dataset) -> Dataset:
    """Return what stands in a sequence."""
    dataset = Dataset()
    dataset.ReferencedSOPInstanceUID = "1.2.9"
    dataset.PurposeOfReferenceCodeSequence = list(nested)
    dataset["PurposeOfReferenceCodeSequence"].is_undefined_length = True
    return dataset


DATASETS = made("1.2.3", {}, MadeSeries("CT", 3, size=8))


# ---------------------------------------------------------------- the head of a file


@given(st.text("0123456789.", min_size=1, max_size=64))
def test_head_makes_a_file_of_a_data_set(uid: str) -> None:
    """Whatever the UID, odd or even: what pydicom and the walk read is what was put in."""
    content = head_of(CTImageStorage, uid, ExplicitVRLittleEndian) + data_set(encode(DATASETS[0]))
    meta = dcmread(BytesIO(content)).file_meta

    assert ("", uid) == (walk([content]).fault, str(meta.MediaStorageSOPInstanceUID))
    assert (CTImageStorage, ExplicitVRLittleEndian) == (
        meta.MediaStorageSOPClassUID,
        meta.TransferSyntaxUID,
    )
    assert content == head_of(CTImageStorage, uid, ExplicitVRLittleEndian) + content[-len_of(0) :]


def len_of(place: int) -> int:
    """Return the size of a data set."""
    return len(data_set(encode(DATASETS[place])))


# ---------------------------------------------------------------- which instance it is


@pytest.mark.parametrize(
    "syntax", [ExplicitVRLittleEndian, ImplicitVRLittleEndian, ExplicitVRBigEndian]
)
def test_a_glance_sees_the_uids_of_a_data_set(syntax: str) -> None:
    """In the transfer syntax of the association, without file meta, past nested sequences."""
    seen = peek_dataset(in_syntax(DATASETS[0], syntax)[:1024], syntax)

    assert ("1.2.3", "1.2.301", "1.2.301001", SecondaryCaptureImageStorage) == seen


def test_a_glance_does_not_look_into_what_is_deflated() -> None:
    """That takes more than a glance."""
    content = in_syntax(DATASETS[0], ExplicitVRLittleEndian)

    assert peek_dataset(content, DeflatedExplicitVRLittleEndian) is None


@given(st.data())
def test_a_glance_at_implicit_vr_is_right_or_says_nothing(data: st.DataObject) -> None:
    """Whatever the bytes: of what is whole, the UIDs that the structural walk sees."""
    content = bytearray(in_syntax(DATASETS[0], ImplicitVRLittleEndian))
    for at in data.draw(st.lists(st.integers(0, len(content) - 1), max_size=3)):
        content[at] = data.draw(st.integers(0, 255))
    end = data.draw(st.integers(0, len(content)))
    seen = peek_dataset(bytes(content[:end]), ImplicitVRLittleEndian)
    walked = walk([head_of(CTImageStorage, "1.2", ImplicitVRLittleEndian), bytes(content)])
    uids = (walked.study_uid, walked.series_uid, walked.instance_uid, walked.sop_class_uid)

    assert seen in (None, uids) or not walked.whole


def test_a_glance_agrees_with_the_walk_on_real_files(corpus: Path) -> None:
    """Whatever came before the UIDs in thousands of vendors' elements."""
    seen = 0
    for path in sorted(corpus.rglob("*")):
        if not path.is_file():
            continue
        content = path.read_bytes()
        walked = walk([content])
        if not walked.whole:
            continue
        uids = peek_dataset(content[walked.data_set_offset :][: 1 << 16], walked.transfer_syntax)
        seen += uids is not None
        whole = (walked.study_uid, walked.series_uid, walked.instance_uid, walked.sop_class_uid)
        assert uids in (None, whole), path.name

    assert seen > 500


# ---------------------------------------------------------------- what arrives


STORE = c_store_rq(1, SecondaryCaptureImageStorage, ONE.instance_uid)


@attrs.define
class Incoming:
    """A message whose data set comes in *pieces*; a piece may be an error."""

    pieces: list[bytes | Exception]
    syntax: str = ExplicitVRLittleEndian
    command: Command = STORE
    skipped: bool = False

    @property
    def context(self) -> Context:
        return Context(1, SecondaryCaptureImageStorage, self.syntax, as_scp=True)

    def fragments(self) -> Iterator[bytes]:
        for piece in self.pieces:
            if isinstance(piece, Exception):
                raise piece
            yield piece

    def skip(self) -> None:
        self.skipped = True


def arrived(message: Incoming) -> tuple[tuple[str, str, str], str, bool]:
    """Return UIDs and fault of what comes, and whether all of it is held."""
    came = arrival(message, lambda _: None)  # type: ignore[arg-type]  # all that is needed of one
    return came.uids, came.fault, came.held


@pytest.mark.parametrize("size", [1, 100, 1 << 14])
def test_small_instance_is_held(size: int) -> None:
    """In pieces of any size: all of it is here, and it is a file."""
    content = data_set(encode(DATASETS[0]))
    pieces = [content[at : at + size] for at in range(0, len(content), size)]
    came = arrival(Incoming([*pieces]), lambda _: None)  # type: ignore[arg-type]  # as above
    whole = b"".join(came.chunks)

    assert (ONE.uids, "", True, len(whole)) == (came.uids, came.fault, came.held, came.size)
    assert "" == walk([whole]).fault


@pytest.mark.parametrize(
    ("sop_class", "uid"),
    [
        (SecondaryCaptureImageStorage, "1.2.301002"),
        (CTImageStorage, ONE.instance_uid),
        ("\xff" * 6000, "../../etc/x"),
        ("", ""),
    ],
)
@pytest.mark.parametrize("pixels", [0, 5 << 20])
def test_a_file_says_what_its_data_set_says(
    sop_class: str, uid: str, pixels: int, caplog: pytest.LogCaptureFixture
) -> None:
    """Whatever the command names: that is not believed, and its disagreement is told."""
    content = data_set(encode(DATASETS[0])) + bytes(pixels)
    command = Command(
        {
            **STORE.elements,
            0x0002: sop_class.encode("latin-1"),
            0x1000: uid.encode("latin-1"),
        }
    )
    came = arrival(Incoming([content], command=command), lambda _: None)  # type: ignore[arg-type]  # as above
    walked = walk(came.chunks)

    assert (ONE.uids, "") == (came.uids, came.fault)
    assert ONE.instance_uid == walked.meta_instance_uid
    assert SecondaryCaptureImageStorage == walked.meta_class_uid
    assert "names another instance or SOP class" in caplog.text


def test_there_is_an_end_to_an_instance() -> None:
    """One that goes on and on does not fill the disk."""
    content = data_set(encode(DATASETS[0]))
    message = Incoming([content, *[bytes(1 << 20)] * 9])
    came = arrival(message, lambda _: None, 8 << 20)  # type: ignore[arg-type]  # as above

    with pytest.raises(BudgetExceededError, match=f"more than {8 << 20} bytes"):
        sum(map(len, came.chunks))


def test_large_instance_is_passed_on_before_it_ends() -> None:
    """What is asked of the line is no more than what tells which instance it is."""
    content = data_set(encode(DATASETS[0]))
    never = AssertionError("nobody has asked for so much")

    assert (ONE.uids, "", False) == arrived(Incoming([content, bytes(5 << 20), never]))


def test_cut_instance_is_an_interruption() -> None:
    """Small ones are not passed on before they are whole."""
    with pytest.raises(TransferInterruptedError):
        arrived(Incoming([b"\x08\x00", TransferInterruptedError("C-GET", "cut")]))


def test_what_is_no_instance_has_a_fault() -> None:
    """It has no UIDs, and says why."""
    uids, fault, held = arrived(Incoming([b"not DICOM at all, for all that is known"]))

    assert (("", "", ""), True) == (uids, held)
    assert fault


def test_no_data_set_at_all_has_a_fault() -> None:
    """An empty C-STORE request is no instance."""
    uids, fault, _ = arrived(Incoming([]))

    assert (("", "", ""), True) == (uids, bool(fault))


def test_megabytes_of_no_instance_are_a_violation() -> None:
    """There may be no end to it."""
    with pytest.raises(ProtocolViolationError):
        arrived(Incoming([bytes(5 << 20)]))


# ---------------------------------------------------------------- what is asked for


def asked_for(wanted: Wanted) -> dict[str, list[str]]:
    """Return the identifier, as pydicom reads it, in both encodings."""
    both: list[dict[str, list[str]]] = []
    for implicit in (True, False):
        syntax = ImplicitVRLittleEndian if implicit else ExplicitVRLittleEndian
        content = head_of("1.2", "1.2", syntax) + identifier_of(wanted, implicit=implicit)
        dataset = dcmread(BytesIO(content))
        both.append(
            {
                element.keyword: [str(element.value)]
                if element.VM == 1
                else [str(value) for value in element.value]
                for element in dataset
            }
        )
    assert both[0] == both[1]
    return both[0]


@pytest.mark.parametrize(
    ("reference", "level"),
    [
        (StudyReference("1.2.3"), "STUDY"),
        (SeriesReference("1.2.3", "1.2.301"), "SERIES"),
        (ONE, "IMAGE"),
    ],
)
def test_identifier_is_level_and_unique_keys(reference: DICOMObjectReference, level: str) -> None:
    """Those of the level, and of all above it."""
    keys = ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID")
    uids = {key: [uid] for key, uid in zip(keys, reference.uids, strict=False)}

    assert {"QueryRetrieveLevel": [level], **uids} == asked_for(Wanted(reference))


def test_identifier_of_a_list() -> None:
    """Instances of one series are named together."""
    references = [InstanceReference("1.2.3", "1.2.301", f"1.2.301{n:03}") for n in range(3)]
    (wanted,) = in_lists(plan(references), 50)
    found = asked_for(wanted)

    assert ["IMAGE"] == found["QueryRetrieveLevel"]
    assert [ref.instance_uid for ref in references] == found["SOPInstanceUID"]


def test_empty_list_is_never_sent() -> None:
    """D09: it would mean everything."""
    wanted = Wanted(SeriesReference("1.2.3", "1.2.301"), {}, by_list=True)
    with pytest.raises(InvalidInputError):
        identifier_of(wanted, implicit=True)


@pytest.mark.parametrize("uid", ["", "*", "1.2?", "1.2\\1.3", "1.2.\N{SUPERSCRIPT TWO}"])
def test_odd_uid_is_never_sent(uid: str) -> None:
    """Even if it gets past the reference that should have refused it."""
    reference = StudyReference("1.2")
    object.__setattr__(reference, "study_uid", uid)
    with pytest.raises(InvalidUIDError):
        identifier_of(Wanted(reference), implicit=True)


@given(st.lists(st.tuples(st.integers(1, 3), st.integers(1, 99)), unique=True, max_size=60))
def test_lists_name_everything_once_in_order(pairs: list[tuple[int, int]]) -> None:
    """No list is longer than it may be, or of more than one series."""
    references = [InstanceReference("1", f"1.{series}", f"1.{series}.{n}") for series, n in pairs]
    lists = list(in_lists(plan(references), 7))
    named = [ref for wanted in lists for ref in (wanted.expected or {}).values()]

    assert references == named
    assert all(1 <= len(wanted.expected or ()) <= 7 for wanted in lists)
    assert all(wanted.by_list != wanted.one for wanted in lists)


# ---------------------------------------------------------------- contexts


def syntaxes(classes: Iterable[str]) -> list[list[tuple[str, ...]]]:
    """Return the transfer syntaxes of each association, that of the C-GET left out."""
    batches = proposals(list(classes), GET)
    assert {GET} == {batch[0].abstract_syntax for batch in batches}
    return [[each.transfer_syntaxes for each in batch[1:]] for batch in batches]


def test_each_compressed_syntax_has_a_context_of_its_own() -> None:
    """D22: an acceptor picks one of each context."""
    (contexts,) = syntaxes([CTImageStorage])

    assert (ExplicitVRLittleEndian, ImplicitVRLittleEndian) == contexts[0]
    assert all(1 == len(each) for each in contexts[1:])
    assert {(RLELossless,), (JPEG2000Lossless,)} <= set(contexts)
    assert len(contexts) == len(set(contexts))


def test_reports_need_no_context_for_images() -> None:
    """A dose report is not compressed."""
    (contexts,) = syntaxes([XRayRadiationDoseSRStorage])

    assert (RLELossless,) not in contexts


def test_unknown_class_may_hold_anything() -> None:
    """Private classes are images, too."""
    (contexts,) = syntaxes(["1.2.3.4.5"])

    assert (RLELossless,) in contexts


@given(st.integers(1, 300))
def test_no_association_has_more_contexts_than_there_may_be(count: int) -> None:
    """D21: each class is proposed, in one association only, and as SCP."""
    classes = [f"1.2.3.{number}" for number in range(count)]
    batches = proposals(classes, GET)
    storage = [list(batch[1:]) for batch in batches]

    assert MOST_CONTEXTS >= max(map(len, batches))
    assert all(each.as_scp for batch in storage for each in batch)
    assert sorted(classes) == sorted(
        uid for batch in storage for uid in {each.abstract_syntax for each in batch}
    )


def test_nobody_knows_so_all_are_proposed() -> None:
    """The commonest first."""
    batches = proposals([], GET)
    proposed = {each.abstract_syntax for batch in batches for each in batch[1:]}

    assert set(COMMONEST) <= proposed
    assert COMMONEST[0] == batches[0][1].abstract_syntax
    assert 160 < len(proposed)


def test_few_classes_can_all_come() -> None:
    """Of many, only what is common in transfer syntaxes is proposed."""
    assert can_all_come(frozenset(COMMONEST[:2]))
    assert not can_all_come(frozenset(COMMONEST[:9]))


# ---------------------------------------------------------------- detours


ASKING = Proposed(GET, (ExplicitVRLittleEndian,))


def accepted(*pairs: tuple[str, str]) -> list[Context]:
    """Return contexts: that of the C-GET, and those of SOP classes with a transfer syntax each."""
    contexts = [Context(1, GET, ExplicitVRLittleEndian)]
    for place, (sop_class, syntax) in enumerate(pairs):
        contexts.append(Context(2 * place + 3, sop_class, syntax, as_scp=True))
    return contexts


def detours(contexts: Sequence[Context], needed: Collection[str] = ()) -> list[list[str]]:
    """Return the other ways to propose: classes, with the one syntax of each."""
    ways = Detours().others(ASKING, contexts, needed)
    return [
        [f"{each.abstract_syntax} {each.transfer_syntaxes[0]}" for each in way[1:]] for way in ways
    ]


def test_detour_is_one_compressed_syntax_at_a_time() -> None:
    """dcmqrscp sends over the first context of a class: so there is only one."""
    contexts = accepted(
        ("1.1", ExplicitVRLittleEndian),
        ("1.1", RLELossless),
        ("1.1", JPEG2000Lossless),
        ("1.2", RLELossless),
    )

    assert [
        [f"1.1 {RLELossless}", f"1.2 {RLELossless}"],
        [f"1.1 {JPEG2000Lossless}"],
    ] == detours(contexts)
    assert [[f"1.2 {RLELossless}"]] == detours(contexts, ["1.2"])


def test_no_detour_without_compressed_contexts() -> None:
    """There is nothing else to propose."""
    assert [] == detours(accepted(("1.1", ExplicitVRLittleEndian), ("1.1", ImplicitVRLittleEndian)))


def test_detour_has_no_more_contexts_than_there_may_be() -> None:
    """For all classes, over several associations."""
    ways = detours(accepted(*((f"1.{number}", RLELossless) for number in range(200))))

    assert [127, 73] == [len(way) for way in ways]


def test_detour_that_worked_is_known() -> None:
    """For the classes it is for, or if nobody knows which; and it is not found anew."""
    known = Detours()
    contexts = accepted(("1.1", RLELossless), ("1.1", JPEG2000Lossless))
    first, second = known.others(ASKING, contexts, [])
    known.remember(first)
    known.remember(second)

    assert [second, first] == known.known([]) == known.known(["1.1"])
    assert [] == known.known(["1.2"])
    assert [] == list(known.others(ASKING, contexts, []))


# ---------------------------------------------------------------- classes


class Telling(Searcher):
    """Finds what it was given, and counts how often it was asked."""

    def __init__(self, *studies: Study) -> None:
        self.archive: tuple[Study, ...] = studies
        self.asked: list[str] = []

    def find_studies(self, query: Query, /) -> SearchResult:
        self.asked.append(query.query_level.name)
        return SearchResult(self.archive, Completeness.COMPLETE)


def uids(*classes: str) -> frozenset[str]:
    """Return them as plain text."""
    return frozenset(map(str, classes))


class Silent(Searcher):
    """Does not answer."""

    def find_studies(self, query: Query, /) -> SearchResult:
        raise SearchError(f"{query.query_level.name}: it does not answer")


def tree(*classes: str, said: bool = True, known: bool = True) -> Study:
    """Return a study of an instance of each class."""
    data = Dataset()
    if said:
        put(data, "SOPClassesInStudy", list(classes))
    return Study("1.2.3", data, [Series("1.2.301", instances=_instances(classes, known))])


def _instances(classes: Iterable[str], known: bool) -> Iterator[Instance]:
    for number, sop_class in enumerate(classes, start=1):
        data = Dataset()
        if known:
            put(data, "SOPClassUID", [sop_class])
        yield Instance(f"1.2.301{number:03}", data)


def test_classes_of_the_study_are_believed_at_first() -> None:
    """Nobody has to be asked."""
    searcher = Telling()
    classes = Classes(searcher)
    (study,) = classes.learning([tree(CTImageStorage, MRImageStorage)])
    wanted = next(plan([study]))
    both = frozenset({CTImageStorage, MRImageStorage})

    assert (both, both) == classes.of(wanted)
    assert [] == searcher.asked


def test_classes_of_instances_will_do() -> None:
    """Archives that do not say it of a study may say it of instances."""
    searcher = Telling()
    classes = Classes(searcher)
    (study,) = classes.learning([tree(CTImageStorage, MRImageStorage, said=False)])
    expected, _ = classes.of(next(plan([study])))

    assert {CTImageStorage, MRImageStorage} == expected
    assert [] == searcher.asked


def test_archive_is_asked_for_what_nobody_has_said() -> None:
    """For the study, once; not for each question."""
    searcher = Telling(tree(CTImageStorage))
    classes = Classes(searcher)
    (study,) = classes.learning([tree(CTImageStorage, said=False, known=False)])
    wanted = next(plan([study]))

    assert [{CTImageStorage}] * 2 == [set(classes.of(wanted)[0]) for _ in range(2)]
    assert ["STUDY"] == searcher.asked


def test_listing_tells_classes() -> None:
    """Where a study does not."""
    searcher = Telling(tree(CTImageStorage, said=False))
    classes = Classes(searcher)
    wanted = Wanted(ONE, expectation([ONE]))

    assert {CTImageStorage} == classes.of(wanted)[0]
    assert ["STUDY", "INSTANCE"] == searcher.asked


def test_what_did_not_come_is_looked_up_on_its_own() -> None:
    """What a study is said to hold may not be all."""
    classes = Classes(Telling(tree(MRImageStorage)))
    list(classes.learning([tree(CTImageStorage, known=False)]))
    again = Wanted(ONE, expectation([ONE]), reason="it did not come")

    assert (uids(MRImageStorage), uids(MRImageStorage)) == classes.of(again)


def test_what_did_not_come_is_asked_for_with_the_same_contexts_if_they_do() -> None:
    """So the association can be used again."""
    classes = Classes(Telling(tree(CTImageStorage, MRImageStorage)))
    list(classes.learning([tree(CTImageStorage, MRImageStorage)]))
    again = Wanted(ONE, expectation([ONE]), reason="it did not come")

    both = uids(CTImageStorage, MRImageStorage)

    assert (both, uids(CTImageStorage)) == classes.of(again)


def test_nobody_knows() -> None:
    """Then all classes are to be proposed."""
    classes = Classes(Silent())

    assert (frozenset(), frozenset()) == classes.of(Wanted(ONE, expectation([ONE])))


def test_instance_that_is_not_listed_is_asked_for_all_the_same() -> None:
    """As what others of its series are; a listing is no proof that there is none."""
    searcher = Telling(tree(MRImageStorage, said=False))
    stranger = InstanceReference("1.2.3", "1.2.301", "1.2.301999")
    expected, _ = Classes(searcher).of(Wanted(stranger, expectation([stranger])))

    assert {MRImageStorage} == expected


def test_instance_of_which_nothing_is_listed_is_taken_for_a_common_one() -> None:
    """Thousands of contexts for what is most probably not there would be a waste."""
    expected, _ = Classes(Telling()).of(Wanted(ONE, expectation([ONE])))

    assert set(COMMONEST) == expected


def test_objects_of_others_may_have_no_data() -> None:
    """References, and whatever has the shape."""
    classes = Classes(MemoryArchive(example_datasets()))
    references: list[DICOMDownloadable] = [
        StudyReference("2.25.4001"),
        SeriesReference("2.25.4001", "2.25.400101"),
    ]

    assert references == list(classes.learning(references))


# ---------------------------------------------------------------- statuses


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (0x0000, Advice.FINER),
        (0xB000, Advice.FINER),
        (0xA702, Advice.FINER),
        (0xA900, Advice.FINER),
        (0xC000, Advice.FINER),
        (None, Advice.FINER),
        (0xA700, Advice.AGAIN),
        (0xFE00, Advice.AGAIN),
        (0xA801, Advice.NOTHING),
        (0x0122, Advice.NOTHING),
    ],
)
def test_what_may_bring_it_after_all(status: int | None, expected: Advice) -> None:
    """Same question, smaller ones, or nothing."""
    assert expected is advice(status)
    assert meaning(status)
