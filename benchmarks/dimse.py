"""DIMSE from a real Orthanc: DCMTK's programs as the floor, plain pynetdicom as the peer.

Usage: ``python benchmarks/dimse.py [--scale 0.01] [--rounds N] [WORK ...]``

Everybody talks to the same Orthanc, without Nagle's algorithm on either side but for one work,
which is from a second one as Debian ships it. DCMTK's programs write what they receive as it comes,
into one folder; so does pynetdicom. Gurney verifies, hashes and stores with an fsync, unless the
row says otherwise; what to ask for is known by a search before. What else is measured, and how, is
said in `_contest.py`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from _contest import Commands, Contest, Serve, Task, Work

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))  # for tests.servers

TITLES = ("GURNEY", "MOVESCU", "PYNETDICOM")  # of those that C-MOVE may send to
GETTERS = ("getscu", "pynetdicom_get", "gurney_get", "gurney_get_not_durable", "gurney_get_drained")
MOVERS = (
    "movescu", "pynetdicom_move", "gurney_move", "gurney_move_not_durable", "gurney_move_drained",
)  # fmt: skip
FINDERS = ("findscu", "pynetdicom_find", "gurney_find")
CT, TINY, FEW = (1, 1000, 524_288), (1, 5000, 10_600), (1, 200, 10_600)
ONE = (1, 1, 1_000_000_000)
WORKS = (
    Work("find", "C-FIND of {1} instances", (1, 1200, 16), FINDERS, {"wall": 0.8}, 1),
    Work("ct-get", "C-GET of {1} slices of {2}", CT, GETTERS, {"wall": 1.2}, 2),
    Work("ct-move", "C-MOVE of {1} slices of {2}", CT, MOVERS, {"wall": 1.2}, 2),
    Work("tiny-get", "C-GET of {1} instances of {2}", TINY, GETTERS, {"wall": 1.3}, 3),
    Work("tiny-move", "C-MOVE of {1} instances of {2}", TINY, MOVERS, {"wall": 1.3}, 3),
    Work("large-get", "C-GET of one instance of {2}", ONE, GETTERS, {"peak": 100}, 5),
    Work("large-move", "C-MOVE of one instance of {2}", ONE, MOVERS, {"peak": 100}, 5),
    Work("nagle", "C-GET of {1} of {2}, with Nagle's algorithm", FEW, GETTERS, {"wall": 0.05}, 4),
)
PEERS = ("pynetdicom_find", "pynetdicom_get", "pynetdicom_move")
ROUNDS = {"nagle": 1, "large-get": 1, "large-move": 1}  # else as asked for
BIG = 131_072  # bytes in a PDU: what Orthanc takes and DCMTK offers at most


@contextmanager
def house(folder: Path) -> Generator[Serve]:
    """Two Orthancs, and a port that each contender may have in turn."""
    from tests.servers.orthanc import Orthanc, Settings
    from tests.servers.running import reserved_ports

    with ExitStack() as stack:
        (port,) = stack.enter_context(reserved_ports(1))
        servers: list[Orthanc] = []
        for nagle in (False, True):
            place = folder / ("nagle" if nagle else "plain")
            place.mkdir()
            settings = Settings(destinations=dict.fromkeys(TITLES, port), nagle=nagle)
            servers.append(stack.enter_context(Orthanc(place, settings)))
        filled: set[int] = set()

        @contextmanager
        def serve(work: Work) -> Generator[str]:
            server = servers[work.name == "nagle"]
            if work.data not in filled:
                server.fill(work.made())
                filled.add(work.data)
            yield f"{server.dicom_port} {port}"

        yield serve


def ports_of(task: Task) -> tuple[int, int]:
    """Return that of the archive, and that where instances may be sent to."""
    archive, ours = task.address.split()
    return int(archive), int(ours)


# ---------------------------------------------------------------- the floor: DCMTK


def dcmtk(name: str) -> str:
    """Return the path of a program: pynetdicom brings others of the same names."""
    from tests.servers.dcmtk import path

    return path(name)


def findscu(task: Task) -> Commands:
    """It prints what it finds."""
    (study,) = task.studies
    keys = ["QueryRetrieveLevel=IMAGE", f"StudyInstanceUID={study}", *EMPTY]
    arguments = ["-S", "-aec", "ORTHANC", *keyed(keys), "localhost", str(ports_of(task)[0])]
    shell = ["sh", "-c", 'exec "$@" >found 2>&1', "sh"]
    return [["env", "TCP_NODELAY=1", *shell, dcmtk("findscu"), *arguments]]


def getscu(task: Task) -> Commands:
    (study,) = task.studies
    keys = keyed(["QueryRetrieveLevel=STUDY", f"StudyInstanceUID={study}"])
    where = ["-aec", "ORTHANC", "-pdu", str(BIG), "localhost", str(ports_of(task)[0])]
    return [["env", "TCP_NODELAY=1", dcmtk("getscu"), "+B", "-S", *keys, *where]]


def movescu(task: Task) -> Commands:
    (study,) = task.studies
    archive, ours = ports_of(task)
    keys = keyed(["QueryRetrieveLevel=STUDY", f"StudyInstanceUID={study}"])
    titles = ["-aet", "MOVESCU", "-aem", "MOVESCU", "-aec", "ORTHANC", "+P", str(ours)]
    where = ["-pdu", str(BIG), "localhost", str(archive)]
    return [["env", "TCP_NODELAY=1", dcmtk("movescu"), "+B", "-S", *titles, *keys, *where]]


EMPTY = ("SeriesInstanceUID", "SOPInstanceUID", "SOPClassUID", "InstanceNumber")


def keyed(keys: list[str]) -> list[str]:
    return [part for key in keys for part in ("-k", key)]


# ---------------------------------------------------------------- the peer: pynetdicom


def pynetdicom_find(task: Task) -> Callable[[], None]:
    """Data sets, as they come."""
    from pynetdicom import AE
    from pynetdicom.sop_class import StudyRootQueryRetrieveInformationModelFind as Model

    ae = AE(ae_title="PYNETDICOM")
    ae.add_requested_context(Model)
    identifier = asked(task, "IMAGE")
    for keyword in EMPTY:
        setattr(identifier, keyword, "")

    def run() -> None:
        association = ae.associate("127.0.0.1", ports_of(task)[0], ae_title="ORTHANC")
        found = [item for _, item in association.send_c_find(identifier, Model) if item]
        association.release()
        task.check(len(found))

    return run


def pynetdicom_get(task: Task) -> Callable[[], None]:
    """The bytes of each, written as they came."""
    from pynetdicom import AE, build_role, evt
    from pynetdicom.sop_class import SecondaryCaptureImageStorage as Storage
    from pynetdicom.sop_class import StudyRootQueryRetrieveInformationModelGet as Model

    ae = AE(ae_title="PYNETDICOM")
    ae.add_requested_context(Model)
    ae.add_requested_context(Storage)
    identifier, stored = asked(task, "STUDY"), [0]

    def run() -> None:
        association = ae.associate(
            "127.0.0.1",
            ports_of(task)[0],
            ae_title="ORTHANC",
            ext_neg=[build_role(Storage, scp_role=True)],
            evt_handlers=[(evt.EVT_C_STORE, keeping(task, stored))],
        )
        for _ in association.send_c_get(identifier, Model):
            pass
        association.release()
        task.check(stored[0])

    return run


def pynetdicom_move(task: Task) -> Callable[[], None]:
    """As `pynetdicom_get`, with a receiver of its own."""
    from pynetdicom import AE, evt
    from pynetdicom.sop_class import SecondaryCaptureImageStorage as Storage
    from pynetdicom.sop_class import StudyRootQueryRetrieveInformationModelMove as Model

    archive, ours = ports_of(task)
    ae = AE(ae_title="PYNETDICOM")
    ae.add_requested_context(Model)
    ae.add_supported_context(Storage)
    identifier, stored = asked(task, "STUDY"), [0]

    def run() -> None:
        handlers = [(evt.EVT_C_STORE, keeping(task, stored))]
        receiver = ae.start_server(("127.0.0.1", ours), block=False, evt_handlers=handlers)
        association = ae.associate("127.0.0.1", archive, ae_title="ORTHANC")
        for _ in association.send_c_move(identifier, "PYNETDICOM", Model):
            pass
        association.release()
        receiver.shutdown()
        task.check(stored[0])

    return run


def keeping(task: Task, stored: list[int]) -> Callable[[Any], int]:
    def keep(event: Any) -> int:
        path = task.folder / event.request.AffectedSOPInstanceUID
        path.write_bytes(event.encoded_dataset())
        stored[0] += 1
        return 0x0000

    return keep


def asked(task: Task, level: str) -> Any:
    from pydicom import Dataset

    identifier = Dataset()
    identifier.QueryRetrieveLevel = level
    (identifier.StudyInstanceUID,) = task.studies
    return identifier


# ---------------------------------------------------------------- gurney


def gurney_find(task: Task) -> Callable[[], None]:
    """Trees, and the proof that they are complete."""
    from gurney import Query
    from gurney.core import QueryLevels
    from gurney.dimse import CFind

    searcher = CFind(peer(task))
    query = Query(StudyInstanceUID=task.studies[0], query_level=QueryLevels.INSTANCE)

    def run() -> None:
        found = searcher.find_studies(query)
        if not found.complete:
            raise AssertionError(found.reasons)
        task.check(sum(len(series.instances) for series in found[0].series))

    return run


def gurney_get(task: Task) -> Callable[[], None]:
    return gurney_download(task, "get")


def gurney_get_not_durable(task: Task) -> Callable[[], None]:
    """Without waiting for the disk, or a checksum in the receipt."""
    return gurney_download(task, "get", durable=False, checksum=None)


def gurney_get_drained(task: Task) -> Callable[[], None]:
    """Everything is read, nothing verified or written."""
    return gurney_draining(task, "get")


def gurney_move(task: Task) -> Callable[[], None]:
    return gurney_download(task, "move")


def gurney_move_not_durable(task: Task) -> Callable[[], None]:
    """As `gurney_get_not_durable`."""
    return gurney_download(task, "move", durable=False, checksum=None)


def gurney_move_drained(task: Task) -> Callable[[], None]:
    """As `gurney_get_drained`."""
    return gurney_draining(task, "move")


def gurney_download(task: Task, retrieve: str, **settings: Any) -> Callable[[], None]:
    from gurney import Trolley
    from gurney.storage import FolderStorage

    searcher, downloader = parts(task, retrieve)
    storage = FolderStorage(task.folder / "out", **settings)
    trolley = Trolley(searcher, downloader, storage)
    objects = trolley.find_studies(everything(task))

    def run() -> None:
        receipt = trolley.download(objects)
        if not receipt.complete:
            raise AssertionError([*receipt.reasons, receipt.outcomes[0].reason])
        task.check(len(receipt.outcomes))

    return run


def gurney_draining(task: Task, retrieve: str) -> Callable[[], None]:
    searcher, downloader = parts(task, retrieve)
    objects = searcher.find_studies(everything(task))

    def run() -> None:
        size = count = 0
        for file in downloader.files(objects):
            count += 1
            for chunk in file.chunks:
                size += len(chunk)
        task.check(count)
        if size < count * task.size:
            raise AssertionError(f"{size} bytes")

    return run


def parts(task: Task, retrieve: str) -> tuple[Any, Any]:
    """Return what searches and what fetches, over the same associations."""
    from gurney.dimse import Associations, CFind, CGet, CMove, Receiver

    line = Associations(peer(task))
    if retrieve == "get":
        return CFind(line), CGet(line)
    return CFind(line), CMove(line, Receiver("GURNEY", port=ports_of(task)[1]))


def peer(task: Task) -> Any:
    from gurney.dimse import Peer

    return Peer("localhost", ports_of(task)[0], "ORTHANC")


def everything(task: Task) -> Any:
    from gurney import Query
    from gurney.core import QueryLevels

    return Query(StudyInstanceUID=list(task.studies), query_level=QueryLevels.INSTANCE)


if __name__ == "__main__":
    Contest(__file__, WORKS, globals(), PEERS, house, ROUNDS).main()
