"""The corpus of real files inside real archives: found and fetched by DIMSE, and compared."""

from __future__ import annotations

import hashlib
import struct
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

import attrs
import pytest
from pydicom import dcmread
from pydicom.filereader import read_file_meta_info
from tests.servers import dcmtk
from tests.servers.corpus import Loaded, reference
from tests.servers.dcmqrscp import Dcmqrscp
from tests.servers.orthanc import Orthanc, Settings
from tests.servers.running import ServerError
from tests.servers.storescp import Storescp

from gurney import Trolley
from gurney.core import (
    FileDownloader,
    InstanceReference,
    Query,
    QueryLevels,
    Receipt,
    SearchResult,
    text,
    to_instance_refs,
)
from gurney.dimse import Associations, CFind, CGet, CMove, DIMSEArchive, Peer, Receiver, Retries
from gurney.storage import FolderStorage

from .conftest import Destinations, StartStorescp

EVERYTHING: Final = Query(query_level=QueryLevels.INSTANCE)
# Orthanc 1.10 does not know how to send frames that are deflated; for C-GET nor these classes, nor
# one whose class it cannot read: that is of unknown VR
UNSENT: Final = ("transfer_syntax", {"1.2.840.10008.1.2.8.1"})
NOT_GOT: Final = (
    "sop_class",
    {"1.2.840.10008.5.1.4.1.1.66.7", "2.25.152752519834663263826301420581341174218"},
)
UNREAD: Final = ("path", {"single/pydicom-data/explicit_VR-UN.dcm"})
STUDY: Final = "1.3.46.670589.11.38317.5.0.8636.2014021409005697000"
SMALL: Final = ("charsets/", "studies/philips-mr-phantom-27/")
AT_ONCE: Final = 10  # studies for movescu: Orthanc stops at the first instance that it cannot send


@attrs.frozen
class Content:
    """What a file holds, apart from its file meta: that is made anew on the way (D31)."""

    transfer_syntax: str
    digest: str


Contents = dict[str, Content]


@pytest.fixture(scope="module")
def line(loaded: Loaded) -> Iterator[Associations]:
    with Associations(peer(loaded.server)) as line:
        yield line


@pytest.fixture(scope="module")
def found(line: Associations) -> SearchResult:
    return CFind(line).find_studies(EVERYTHING)


@pytest.fixture(scope="module")
def receiver(destinations: Destinations) -> Iterator[Receiver]:
    with Receiver("GURNEY", port=destinations["GURNEY"]) as receiver:
        yield receiver


@pytest.fixture(scope="module")
def by_move(line: Associations, receiver: Receiver) -> Trolley:
    return Trolley(CFind(line), CMove(line, receiver))


@pytest.fixture(scope="module")
def elsewhere(
    loaded: Loaded, start_storescp: StartStorescp, destinations: Destinations
) -> Contents:
    """Return what comes of all studies to somebody else's receiver, asked for by movescu."""
    storescp = start_storescp(destinations[Storescp.ae_title], None)
    studies = sorted({instance.study_uid for instance in loaded.held})
    for start in range(0, len(studies), AT_ONCE):
        some = studies[start : start + AT_ONCE]
        try:
            movescu(loaded.server, some)
        except ServerError:
            for study in some:
                with suppress(ServerError):
                    movescu(loaded.server, [study])
    return contents(storescp.received.iterdir())


@pytest.fixture(scope="module", params=["Orthanc", "dcmqrscp"])
def either(
    request: pytest.FixtureRequest, destinations: Destinations, loaded: Loaded, corpus: Path
) -> Orthanc | Dcmqrscp:
    """Return an archive with names in all character sets, and one whole study."""
    server: Orthanc | Dcmqrscp
    if request.param == "Orthanc":
        server = request.getfixturevalue("start_orthanc")(Settings(destinations=destinations))
    else:
        server = request.getfixturevalue("start_dcmqrscp")(destinations, ())
    server.fill((corpus / path).read_bytes() for path in readable(loaded) if path.startswith(SMALL))
    return server


def peer(server: Orthanc | Dcmqrscp) -> Peer:
    retries = Retries(attempts=2, sleep=lambda _: None)
    return Peer("127.0.0.1", server.dicom_port, server.ae_title, retries=retries)


def movescu(server: Orthanc | Dcmqrscp, studies: Sequence[str]) -> None:
    dcmtk.run("movescu", "-S", "-aem", Storescp.ae_title, *asked(server, studies))


def asked(server: Orthanc | Dcmqrscp, studies: Sequence[str]) -> list[str]:
    """Return arguments of DCMTK's clients."""
    keys = ("QueryRetrieveLevel=STUDY", "StudyInstanceUID=" + "\\".join(studies))
    where = ["-aec", server.ae_title, "localhost", str(server.dicom_port)]
    return [*(part for key in keys for part in ("-k", key)), *where]


def contents(paths: Iterable[Path]) -> Contents:
    """Return what is in the files at *paths*, by the SOP Instance UID of the data set (W28)."""
    found: Contents = {}
    for path in paths:
        meta, content = read_file_meta_info(path), path.read_bytes()
        (length,) = struct.unpack("<I", content[140:144])
        digest = hashlib.sha256(content[144 + length :]).hexdigest()
        uid = text(dcmread(path, specific_tags=["SOPInstanceUID"]), "SOPInstanceUID")
        found[uid] = Content(str(meta.TransferSyntaxUID), digest)
    return found


def stored(folder: Path) -> Contents:
    return contents(folder / path for path in FolderStorage(folder).files())


def readable(loaded: Loaded) -> dict[str, InstanceReference]:
    """Return the files, by path, that Orthanc keeps and pydicom reads as they are."""
    return {
        path: reference(loaded.manifest[path])
        for path, status in loaded.statuses.items()
        if status == "Success" and loaded.manifest[path]["readable"] == "yes"
    }


def having(loaded: Loaded, *columns: tuple[str, set[str]]) -> set[InstanceReference]:
    """Return the instances whose row of the manifest has one of some values in a column."""
    kept = (path for path, status in loaded.statuses.items() if status == "Success")
    rows = [loaded.manifest[path] for path in kept]
    return {reference(row) for name, values in columns for row in rows if row[name] in values}


def missing(receipt: Receipt) -> set[object]:
    return {outcome.reference for outcome in receipt.outcomes if not outcome.good}


def differing(ours: Contents, theirs: Contents) -> list[str]:
    """Name what came in the same transfer syntax with other bytes.

    To a receiver that takes whatever is offered first, Orthanc may send something it has decoded.
    """
    return [
        uid
        for uid in ours.keys() & theirs.keys()
        if ours[uid].transfer_syntax == theirs[uid].transfer_syntax and ours[uid] != theirs[uid]
    ]


def test_all_is_found_at_every_level(loaded: Loaded, line: Associations) -> None:
    """Each once, with children if and only if they were asked for."""
    searcher = CFind(line)
    studies = searcher.find_studies(Query())
    series = searcher.find_studies(Query(query_level=QueryLevels.SERIES))

    expected = {instance.uids[:2] for instance in loaded.held}
    assert set() == {uids[0] for uids in expected} ^ {study.uid for study in studies}
    assert set() == expected ^ {one.reference().uids for study in series for one in study.series}
    assert studies.complete, studies.reasons
    assert series.complete, series.reasons
    assert not any(study.series for study in studies)


def test_all_instances_are_found(loaded: Loaded, found: SearchResult) -> None:
    """Every instance once, in its series and study."""
    references = to_instance_refs(found)

    assert set() == loaded.held.keys() ^ set(references)
    assert len(loaded.held) == len(references)
    assert found.complete, found.reasons


def test_c_get_fetches_what_the_archive_sends(
    loaded: Loaded, line: Associations, found: SearchResult, elsewhere: Contents, tmp_path: Path
) -> None:
    """As it is stored; what it cannot send is missing by name, and nothing else is."""
    receipt = Trolley(CFind(line), CGet(line)).download(found, tmp_path)

    unsent = having(loaded, UNSENT, NOT_GOT, UNREAD)
    ours = stored(tmp_path)
    assert set() == unsent ^ missing(receipt)
    assert not receipt.complete
    assert [] == differing(ours, elsewhere)
    assert {"C-GET"} == {outcome.protocol for outcome in receipt.outcomes}
    assert len(loaded.held) - len(unsent) == len(ours)


def test_c_move_fetches_what_the_archive_sends(
    loaded: Loaded, by_move: Trolley, found: SearchResult, elsewhere: Contents, tmp_path: Path
) -> None:
    """Classes that nobody has heard of too."""
    receipt = by_move.download(found, tmp_path)

    unsent = having(loaded, UNSENT)
    ours = stored(tmp_path)
    assert set() == unsent ^ missing(receipt)
    assert not receipt.complete
    assert [] == differing(ours, elsewhere)
    assert set() == elsewhere.keys() - ours.keys()
    assert {"C-MOVE"} == {outcome.protocol for outcome in receipt.outcomes}


def test_one_after_the_other_fetches_more(
    loaded: Loaded, line: Associations, receiver: Receiver, found: SearchResult, tmp_path: Path
) -> None:
    """What C-GET does not bring, C-MOVE does; only that is asked for again."""
    archive = DIMSEArchive(line, receiver=receiver)
    wanted = having(loaded, NOT_GOT, UNREAD)
    studies = [study for study in found if study.uid in {one.study_uid for one in wanted}]
    receipt = Trolley(archive, archive).download(studies, tmp_path)

    protocols = Counter(outcome.protocol for outcome in receipt.outcomes)
    assert receipt.complete, receipt.reasons
    assert len(wanted) == protocols["C-MOVE"]
    assert {"C-GET", "C-MOVE"} == protocols.keys()


def test_transfer_syntaxes_are_those_of_the_files(
    loaded: Loaded, line: Associations, tmp_path: Path
) -> None:
    """Nothing is decompressed on the way, whatever others would have been given."""
    one_each = {loaded.manifest[path]["transfer_syntax"]: path for path in readable(loaded)}
    rows = [
        loaded.manifest[path]
        for syntax, path in one_each.items()
        if syntax.startswith("1.2.840.10008.") and syntax not in UNSENT[1]
    ]
    Trolley(CFind(line), CGet(line)).download(map(reference, rows), tmp_path)

    ours = {uid: content.transfer_syntax for uid, content in stored(tmp_path).items()}
    assert 12 <= len(rows)
    assert {row["sop_uid"]: row["transfer_syntax"] for row in rows} == ours


@pytest.mark.parametrize("way", [CGet, CMove])
def test_same_bytes_as_getscu(
    either: Orthanc | Dcmqrscp, receiver: Receiver, way: type[CGet | CMove], tmp_path: Path
) -> None:
    """Of a whole study, data set by data set."""
    (theirs := tmp_path / "theirs").mkdir()
    dcmtk.run("getscu", "-S", "+B", *asked(either, [STUDY]), folder=theirs)
    with Associations(peer(either)) as line:
        downloader: FileDownloader = CGet(line) if way is CGet else CMove(line, receiver)
        trolley = Trolley(CFind(line), downloader)
        known = trolley.find_studies(attrs.evolve(EVERYTHING, StudyInstanceUID=STUDY))
        receipt = trolley.download(known, tmp_path / "ours")

    assert set() == missing(receipt)
    assert 27 == len(receipt.outcomes)
    assert contents(theirs.iterdir()) == stored(tmp_path / "ours")


def test_names_in_all_character_sets_are_found(
    either: Orthanc | Dcmqrscp, loaded: Loaded, corpus: Path
) -> None:
    """By what the file holds; where it is not found, nobody says that there is none (D25)."""
    silent: list[str] = []
    with Associations(peer(either)) as line:
        for path, instance in readable(loaded).items():
            name = ""
            if path.startswith("charsets/"):
                name = str(dcmread(corpus / path).get("PatientName", "")).partition("=")[0]
            if name and name.isprintable():  # escape sequences nobody types
                result = CFind(line).find_studies(Query(PatientName=name))
                studies = [study.uid for study in result]
                if result.complete and instance.study_uid not in studies:
                    silent.append(path)

    assert [] == silent
