"""DIMSE archives with several faults at once: what says that it is complete, is."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from random import Random
from typing import Any, Final, Literal

import attrs
import pytest
from pydicom.datadict import tag_for_keyword
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as Items
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian, RLELossless
from tests.hostile.examples import found
from typing_extensions import override

from gurney.core import (
    DICOMDownloadable,
    DICOMFile,
    DICOMObjectLevels,
    FileDownloader,
    GurneyError,
    InstanceReference,
    QueryLevels,
    Receipt,
    StudyReference,
    decode,
    encode,
    put,
    subset,
    text,
)
from gurney.dimse import (
    Associations,
    CFind,
    CFindQuery,
    CGet,
    CMove,
    Peer,
    Receiver,
    Retries,
    Timeouts,
)
from gurney.retrieving import Ladder
from gurney.testing import MemoryStorage, differences, reference_of
from gurney.testing.dimse import (
    FAULTS,
    DIMSEServer,
    Exchange,
    Fault,
    Opened,
    Plan,
    Store,
    Stored,
    many_classes,
)
from gurney.testing.making import MadeSeries, made
from gurney.trolley import Trolley

SEEDS: Final = 55  # for searches, and as many for downloads
_UIDS: Final = ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID")
_LEVELS: Final = tuple(QueryLevels)
_IN_A_HURRY: Final = Timeouts(connect=5.0, answer=0.3, idle=0.3, release=0.3)
_AT_ONCE: Final = Retries(attempts=2, first_wait=0.0, longest_wait=0.0)
_ROOTS: Final[list[Literal["study", "patient"]]] = ["study", "study", "patient"]
_CUTTING: Final = ("D01", "D02", "D03", "D03", "D04", "D06", "D30")
_NAMES: Final = (
    "Müller^Jörg",
    "Yamada^Tarou=山田^太郎=やまだ^たろう",
    "Hong^Gildong=洪^吉洞=홍^길동",
)
_CHARSETS: Final = (
    "none",
    "wrong",
    "ISO_IR 100",
    r"\ISO 2022 IR 87",
    r"\ISO 2022 IR 149",
    "GB18030",
    "GBK",
    "ISO_IR 192",
)
_QUERIES: Final[tuple[Mapping[str, Any], ...]] = (
    {},
    {"PatientName": "*"},
    {"PatientName": "A*"},
    {"PatientName": "Müller*"},
    {"min_study_date": "20150101"},
    {"min_study_date": "20100101", "max_study_date": "20291231"},
    {"ModalitiesInStudy": "MR"},
    {"PatientID": "P1"},
    {"AccessionNumber": "X1"},
)


# ---------------------------------------------------------------- faults beyond those of FAULTS


class Doubled(Fault):
    """Each result of a search comes twice."""

    @override
    def found(self, exchange: Exchange, items: Sequence[Dataset], /) -> Sequence[Dataset]:
        return [*items, *items] if items else items


class Nameless(Fault):
    """The last of several results of a search has no UID."""

    @override
    def described(self, exchange: Exchange, items: Sequence[Dataset], /) -> Sequence[Dataset]:
        if len(items) < 2:
            return items
        uids = {tag_for_keyword(keyword) for keyword in _UIDS}
        return [*items[:-1], subset(items[-1], lambda tag: tag not in uids)]


class SentTwice(Fault):
    """The first instance of an answer comes once more, in place of the last."""

    @override
    def planned(self, exchange: Exchange, plan: Plan, /) -> Plan:
        stores = [step for step in plan.steps if isinstance(step, Store)]
        if len(stores) < 2:
            return plan
        steps = [stores[0] if step is stores[-1] else step for step in plan.steps]
        return attrs.evolve(plan, steps=steps)


class Shortened(Fault):
    """The last bytes of the last instance do not come, and nothing says so."""

    @override
    def chosen(self, exchange: Exchange, instances: Sequence[Stored], /) -> Sequence[Stored]:
        if not instances:
            return instances
        *others, last = instances
        return [*others, attrs.evolve(last, open=partial(_shortened, last))]


class Exchanged(Fault):
    """The first instance comes under the name of the last, in its place."""

    @override
    def chosen(self, exchange: Exchange, instances: Sequence[Stored], /) -> Sequence[Stored]:
        if len(instances) < 2:
            return instances
        *others, last = instances
        return [*others, attrs.evolve(last, open=instances[0].open)]


def _shortened(instance: Stored) -> Opened:
    found = instance.open()
    return attrs.evolve(found, pieces=iter([b"".join(found.pieces)[:-3]]))


_OWN: Final = (Doubled, Nameless, SentTwice, Shortened, Exchanged)


# ---------------------------------------------------------------- what is served


def world(random: Random, sizes: Sequence[int] = (3, 5, 8, 12)) -> list[Dataset]:
    """Return up to 12 studies: some, all or none without a date, or all of one day."""
    undated, one_day = random.choice([0.0, 0.0, 0.3, 1.0]), random.random() < 0.3
    datasets = [
        dataset
        for number in range(random.choice(sizes))
        for dataset in study(random, number, one_day, random.random() < undated)
    ]
    if random.random() < 0.05:
        datasets += many_classes(random.choice([20, 20, 20, 130]))
    return datasets


def study(random: Random, number: int, one_day: bool, undated: bool) -> list[Dataset]:
    """Return the instances of one study."""
    day = 20200101 if one_day else random.randrange(2010, 2025) * 10000 + 101 + number
    syntax = random.choice([ExplicitVRLittleEndian, ImplicitVRLittleEndian, RLELossless])
    size = random.choice([2, 4, 5])
    series = [
        MadeSeries(random.choice(["CT", "MR"]), each, size=size, transfer_syntax=syntax)
        for each in [random.choice([1, 2, 3])] * random.choice([1, 2])
    ]
    values = {
        "PatientName": random.choice([f"A^{number}", f"B^{number}", *_NAMES]),
        "PatientID": f"P{number}",
        "AccessionNumber": "X1",
        "StudyDate": str(day),
        "StudyTime": random.choice(["", "0800", "120000"]),
    }
    uid = f"1.2.{number + 1}" if random.random() < 0.9 else f"1.02.{number + 1}"
    datasets = made(uid, values, *series)
    several = random.random() < 0.1
    for place, dataset in enumerate(datasets):
        if undated:
            del dataset.StudyDate
        if several and place:
            dataset.PatientID = f"P{number}-{place}"
        if random.random() < 0.2:
            inside = Dataset()
            inside.CodeMeaning = random.choice(_NAMES)
            dataset.ProcedureCodeSequence = Items([inside, Dataset()])
    if random.random() < 0.1:
        datasets[-1] = bare(datasets[-1])
    return datasets


def bare(dataset: Dataset) -> Dataset:
    """Return what says which instance it is, and nothing else."""
    made_ = Dataset()
    for keyword in (*_UIDS, "SOPClassUID"):
        put(made_, keyword, [text(dataset, keyword)])
    made_.file_meta = dataset.file_meta
    made_.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    return decode(encode(made_), "an instance")


def faulty(random: Random, datasets: Sequence[Dataset], cutting: Iterable[str]) -> dict[str, Any]:
    """Return faults, and what they are told."""
    names = [*dict.fromkeys([*cutting, *random.sample([*FAULTS], random.choice([0, 1, 2, 3]))])]
    faults: list[str | Fault] = [*names]
    if random.random() < 0.3:
        faults.append(random.choice(_OWN)())
    instances = [text(one, "SOPInstanceUID") for one in datasets]
    silence = ["silence"] if random.random() < 0.05 else []
    return {
        "faults": faults,
        "cap": random.choice([None, 2, 3, 6, 10]),
        "status": random.choice([None, None, None, 0xA700, 0xA702, 0xB000, 0xC001, 0xFE00]),
        "failing": random.choice([None, random.sample(instances, min(3, len(instances)))]),
        "listed": random.random() < 0.5,
        "charset": random.choice(_CHARSETS),
        "cut_after": random.choice([None, 0, 10, 200]),
        "between": random.random() < 0.5,
        "ending": random.choice([None, "abort", "cut", *silence]),
        "times": random.choice([None, None, 1, 3]),
        "pause": 0.01,
        "max_pdu": random.choice([0, 4096, 1 << 17]),
        "max_associations": random.choice([None, None, 2, 3]),
    }


# ---------------------------------------------------------------- what has to come


def expected(datasets: Iterable[Dataset], query: Mapping[str, Any]) -> list[Dataset]:
    """Return the instances of the studies that match: if one instance of a study does."""
    studies: dict[str, list[Dataset]] = {}
    for one in datasets:
        studies.setdefault(text(one, "StudyInstanceUID"), []).append(one)
    return [
        one
        for siblings in studies.values()
        if any(
            _matches(each, query, {text(of, "Modality") for of in siblings}) for each in siblings
        )
        for one in siblings
    ]


def _matches(one: Dataset, query: Mapping[str, Any], modalities: set[str]) -> bool:
    date, name = text(one, "StudyDate"), query.get("PatientName", "*").rstrip("*")
    return (
        ("min_study_date" not in query or date >= query["min_study_date"])
        and ("max_study_date" not in query or "" < date <= query["max_study_date"])
        and ("ModalitiesInStudy" not in query or "MR" in modalities)
        and text(one, "PatientName").startswith(name)
        and text(one, "PatientID") == query.get("PatientID", text(one, "PatientID"))
        and text(one, "AccessionNumber")
        == query.get("AccessionNumber", text(one, "AccessionNumber"))
    )


def peer_of(server: DIMSEServer) -> Peer:
    """Return the address of a server, where nobody waits for long."""
    return Peer(
        "127.0.0.1",
        server.port,
        server.ae_title,
        calling="GURNEY",
        timeouts=_IN_A_HURRY,
        retries=_AT_ONCE,
        associations=2,
    )


def differing(datasets: Iterable[Dataset], files: Mapping[InstanceReference, bytes]) -> list[str]:
    """Return what was stored and is not as the archive holds it."""
    held = {reference_of(dataset): dataset for dataset in datasets}
    return [
        str(reference)
        for reference, content in files.items()
        if reference not in held
        or differences(held[reference], DICOMFile(iter([content])).dataset())
    ]


# ---------------------------------------------------------------- the laws


@pytest.mark.parametrize("seed", range(SEEDS))
def test_complete_is_never_said_in_vain(seed: int, caplog: pytest.LogCaptureFixture) -> None:
    """Up to four faults, any query at any level: COMPLETE means all, and no more.

    One thing cannot be seen: a cut in silence, beyond which nothing has a date.
    """
    caplog.set_level(logging.DEBUG)
    said = search(seed)

    assert said == "", said
    assert not leaked(caplog.text)


def search(seed: int) -> str:
    """Return what is wrong with what a search says; empty if nothing is."""
    random = Random(seed)
    datasets, query, level = world(random), random.choice(_QUERIES), random.choice(_LEVELS)
    settings = faulty(random, datasets, [random.choice(_CUTTING)])
    depth = 3 - DICOMObjectLevels.from_query_level(level)
    root, relational = random.choice(_ROOTS), random.random() < 0.25
    with DIMSEServer(datasets, **settings) as server, Associations(peer_of(server)) as line:
        find = CFind(line, root=root, relational=relational, parallel=random.choice([1, 2]))
        try:
            result = find.find_studies(CFindQuery(**query, query_level=level))
        except GurneyError as error:
            return leaked(f"{error} {error!r}")  # as loud as can be

    wanted = {
        tuple(text(one, keyword) for keyword in _UIDS[:depth]) for one in expected(datasets, query)
    }
    got = found(result, depth)
    dated = {(text(one, "StudyInstanceUID"),) for one in datasets if text(one, "StudyDate")}
    unseen = {uids for uids in wanted - got if uids[:1] not in dated}
    if result.complete and wanted != got | unseen:
        lacking, beyond = len(wanted - got), len(got - wanted)
        return f"{lacking} lacking, {beyond} beyond: {settings} {query} {level} {root} {result!r}"
    return leaked(f"{result!r} {result.reasons} {result.notes}")


@pytest.mark.parametrize("seed", range(SEEDS))
def test_receipt_is_complete_when_all_is_there(seed: int, caplog: pytest.LogCaptureFixture) -> None:
    """Up to four faults, C-GET, C-MOVE or both: a complete receipt has all, byte for byte."""
    caplog.set_level(logging.DEBUG)
    said = retrieve(seed)

    assert said == "", said
    assert not leaked(caplog.text)


def retrieve(seed: int) -> str:
    """Return what is wrong with what a download says; empty if nothing is."""
    random = Random(seed + 100_000)
    datasets = world(random, (1, 2, 3, 4))
    if random.random() < 0.03:
        datasets += made("1.9", {"PatientID": "P9"}, MadeSeries("CT", 1, size=2100))
    settings = faulty(random, datasets, [])
    objects, uids = wanted_of(random, datasets)
    storage = MemoryStorage()
    try:
        receipt = downloaded(random, datasets, settings, objects, storage)
    except GurneyError as error:
        return leaked(f"{error} {error!r}")

    wanted = {reference_of(one) for one in datasets if text(one, "StudyInstanceUID") in uids}
    if receipt.complete and set(storage.files) != wanted:
        return f"{len(wanted - set(storage.files))} lacking: {settings} {receipt!r}"
    if receipt.complete and (other := differing(datasets, storage.files)):
        return f"other bytes, {other}: {settings} {receipt!r}"
    return leaked(str([(each.reason, receipt.reasons) for each in receipt.outcomes]))


def wanted_of(
    random: Random, datasets: Sequence[Dataset]
) -> tuple[Sequence[DICOMDownloadable] | None, set[str]]:
    """Return what to ask for, `None` for what a search finds, and the studies that are in it."""
    uids = sorted({text(one, "StudyInstanceUID") for one in datasets})
    kind = random.choice(["studies", "search", "instances"])
    if kind == "search":
        return None, set(uids)
    if kind == "studies":
        return [StudyReference(uid) for uid in uids], set(uids)
    references: list[DICOMDownloadable] = [reference_of(one) for one in datasets]
    random.shuffle(references)
    return references, set(uids)


def downloaded(
    random: Random,
    datasets: Sequence[Dataset],
    settings: Mapping[str, Any],
    objects: Sequence[DICOMDownloadable] | None,
    storage: MemoryStorage,
) -> Receipt:
    """Download by one of the ways there are."""
    with ExitStack() as stack:
        receiver = stack.enter_context(Receiver("GURNEY", port=0, timeouts=_IN_A_HURRY))
        to = {"GURNEY": ("127.0.0.1", receiver.port)}
        server = stack.enter_context(DIMSEServer(datasets, destinations=to, **settings))
        line = stack.enter_context(Associations(peer_of(server)))
        searcher = CFind(line)
        get, move = CGet(line, searcher), CMove(line, receiver, searcher, grace=0.1)
        ways: list[FileDownloader] = [get, get, move, move, Ladder(get, move)]
        trolley = Trolley(searcher, random.choice(ways), storage)
        if objects is None:
            level = random.choice(_LEVELS)
            return trolley.download(trolley.find_studies(CFindQuery(query_level=level)))
        return trolley.download(objects)


def leaked(said: str) -> str:
    """Return which names, ids or dates of patients are said."""
    secrets = ("Müller", "Yamada", "山田", "Gildong", "PatientID=P", "'P1'", "20200101", "'X1'")
    return ", ".join(secret for secret in secrets if secret in said)


def test_the_worlds_differ() -> None:
    """What is tried holds undated studies, several series, compressed and bare instances."""
    worlds = [one for seed in range(20) for one in world(Random(seed))]

    assert any("StudyDate" not in one for one in worlds)
    assert any("PixelData" not in one for one in worlds)
    assert any("ProcedureCodeSequence" in one for one in worlds)
    assert any(one.file_meta.TransferSyntaxUID == RLELossless for one in worlds)
    assert len({text(one, "SOPClassUID") for one in worlds}) > 16
    assert text(worlds[0], "StudyInstanceUID") != text(worlds[-1], "StudyInstanceUID")
