"""DICOMweb from a real Orthanc: curl as the floor, dicomweb-client and dicomtrolley as peers.

Usage: ``python benchmarks/dicomweb.py [--scale 0.01] [--rounds N] [WORK ...]``

Gurney verifies and stores; the search comes before, unless the row says otherwise. What else is
measured, and how, is said in `_contest.py`.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable, Generator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from _contest import Contest, Serve, Task, Work

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))  # for tests.servers

ROUND_TRIP, RATE = 0.040, 20e6  # of the delaying proxy: seconds, bytes per second
CURLS = 4
EVERY_SYNTAX = 'multipart/related; type="application/dicom"; transfer-syntax=*'

FETCHERS = (
    "curl", "write_only", "dicomweb_client", "dicomtrolley",
    "gurney", "gurney_not_durable", "gurney_no_checksum", "gurney_with_search",
)  # fmt: skip
LISTERS = ("json_only", "dicomweb_client_listing", "dicomtrolley_listing", "gurney_listing")
WORKS = (
    Work("list-1200", "list {1} instances of a study", (1, 1200, 16), LISTERS, {"cpu": 1.5}, 1),
    Work("list-2000", "list {1} instances of a study", (1, 2000, 16), LISTERS, {"cpu": 1.5}, 2),
    Work("ct", "{1} slices of {2}", (1, 1000, 524_288), FETCHERS, {"wall": 1.2, "cpu": 1.6}, 3),
    Work("tiny", "{1} instances of {2}", (1, 5000, 10_600), FETCHERS, {"wall": 2.5, "cpu": 8}, 4),
    Work(
        "large",
        "one instance of {2}",
        (1, 1, 1_000_000_000),
        ("curl", "write_only", "dicomweb_client", "dicomtrolley", "gurney"),
        {"peak": 60},
        5,
    ),
    Work(
        "far",
        "{0} studies of {1} slices of {2}, 40 ms away, 20 MB/s a connection",
        (50, 10, 524_288),
        ("four_curls", "dicomtrolley", "gurney", "gurney_with_search"),
        {"wall": 1.2},
        6,
    ),
)
PEERS = (
    "dicomweb_client", "dicomtrolley", "dicomweb_client_listing", "dicomtrolley_listing",
)  # fmt: skip
ROUNDS = {"large": 1, "far": 2}  # else as asked for


@contextmanager
def house(folder: Path) -> Generator[Serve]:
    """One Orthanc; the far one is the same, at the other end of a long line."""
    from tests.servers.orthanc import Orthanc

    with Orthanc(folder) as server:

        @contextmanager
        def serve(work: Work) -> Generator[str]:
            server.fill(work.made())
            with ExitStack() as stack:
                port = server.http_port
                if work.name == "far":
                    script, pipe = str(HERE / "_delaying_proxy.py"), subprocess.PIPE
                    command = [sys.executable, script, str(port), str(ROUND_TRIP), str(RATE)]
                    proxy = subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True)
                    stack.enter_context(proxy)
                    stack.callback(proxy.kill)
                    assert proxy.stdout is not None
                    port = int(proxy.stdout.readline())
                yield f"http://localhost:{port}/dicom-web"

        yield serve


# ---------------------------------------------------------------- floors and peers


def curl(task: Task) -> list[list[str]]:
    """One file a study, the multipart as it comes."""
    return [curl_command(urls_of(task))]


def urls_of(task: Task) -> list[str]:
    return [f"{task.address}/studies/{study}" for study in task.studies]


def four_curls(task: Task) -> list[list[str]]:
    """As many at once, each with its share, one after the other over one connection."""
    urls = urls_of(task)
    return [curl_command(urls[number::CURLS]) for number in range(CURLS) if urls[number::CURLS]]


def curl_command(urls: Sequence[str]) -> list[str]:
    outputs = [part for url in urls for part in ("-o", url.rsplit("/", 1)[1], url)]
    return ["curl", "-sSf", "-H", f"Accept: {EVERY_SYNTAX}", *outputs]


def write_only(task: Task) -> Callable[[], None]:
    """No network: as many files of that size."""
    content = bytes(task.size)

    def run() -> None:
        for study in task.studies:
            folder = task.folder / study
            folder.mkdir()
            for number in range(task.instances):
                with (folder / str(number)).open("wb") as file:
                    file.write(content)

    return run


def dicomweb_client(task: Task) -> Callable[[], None]:
    """Stored syntax; each data set is saved as it comes."""
    from dicomweb_client import DICOMwebClient

    client = DICOMwebClient(task.address)

    def run() -> None:
        count = 0
        for study in task.studies:
            for dataset in client.iter_study(study, media_types=(("application/dicom", "*"),)):
                dataset.save_as(task.folder / str(dataset.SOPInstanceUID))
                count += 1
        task.check(count)

    return run


def dicomtrolley(task: Task) -> Callable[[], None]:
    """Its trolley; by study, which is faster here than its default by series."""
    import requests
    from dicomtrolley.core import StudyReference
    from dicomtrolley.qido_rs import QidoRS
    from dicomtrolley.trolley import Trolley
    from dicomtrolley.wado_rs import WadoRS

    session = requests.Session()
    wado = WadoRS(session, task.address, request_per_series=False)
    trolley = Trolley(downloader=wado, searcher=QidoRS(session, task.address))

    def run() -> None:
        trolley.download([StudyReference(study_uid=uid) for uid in task.studies], str(task.folder))
        task.check(sum(path.is_file() for path in task.folder.rglob("*")))

    return run


def json_only(task: Task) -> Callable[[], None]:
    """The listing read and parsed, and nothing made of it."""
    import requests

    session = requests.Session()
    headers = {"Accept": "application/dicom+json"}

    def run() -> None:
        answer = session.get(f"{urls_of(task)[0]}/instances", headers=headers)
        task.check(len(json.loads(answer.content)))

    return run


def dicomweb_client_listing(task: Task) -> Callable[[], None]:
    """Its JSON as data sets."""
    from dicomweb_client import DICOMwebClient
    from pydicom.dataset import Dataset

    client = DICOMwebClient(task.address)

    def run() -> None:
        found = client.search_for_instances(task.studies[0])
        task.check(len([Dataset.from_json(item) for item in found]))

    return run


def dicomtrolley_listing(task: Task) -> Callable[[], None]:
    """Its trees."""
    import requests
    from dicomtrolley.core import QueryLevels
    from dicomtrolley.qido_rs import QidoRS, RelationalQuery

    searcher = QidoRS(requests.Session(), task.address)
    query = RelationalQuery(StudyInstanceUID=task.studies[0], query_level=QueryLevels.INSTANCE)

    def run() -> None:
        (study,) = searcher.find_studies(query)
        task.check(sum(len(series.instances) for series in study.series))

    return run


# ---------------------------------------------------------------- gurney


def gurney_listing(task: Task) -> Callable[[], None]:
    """Trees, and the proof that they are complete."""
    from gurney import Query
    from gurney.core import QueryLevels
    from gurney.dicomweb import QidoRS

    searcher = QidoRS(task.address)
    query = Query(StudyInstanceUID=task.studies[0], query_level=QueryLevels.INSTANCE)

    def run() -> None:
        found = searcher.find_studies(query)
        if not found.complete:
            raise AssertionError(found.reasons)
        task.check(sum(len(series.instances) for series in found[0].series))

    return run


def gurney(task: Task) -> Callable[[], None]:
    """As `Trolley.download` does it, for instances that are known by a search."""
    return gurney_download(task, {}, search_first=True)


def gurney_not_durable(task: Task) -> Callable[[], None]:
    """Without waiting for the disk."""
    return gurney_download(task, {"durable": False}, search_first=True)


def gurney_no_checksum(task: Task) -> Callable[[], None]:
    """Nor with a checksum in the receipt."""
    return gurney_download(task, {"durable": False, "checksum": None}, search_first=True)


def gurney_with_search(task: Task) -> Callable[[], None]:
    """Knowing no more than the UIDs of the studies."""
    return gurney_download(task, {}, search_first=False)


def gurney_download(
    task: Task, settings: dict[str, Any], *, search_first: bool
) -> Callable[[], None]:
    from gurney import Query, StudyReference, Trolley
    from gurney.core import DICOMDownloadable, QueryLevels
    from gurney.dicomweb import QidoRS, WadoRS
    from gurney.http import Transport
    from gurney.storage import FolderStorage

    transport = Transport(task.address)
    storage = FolderStorage(task.folder / "out", **settings)
    trolley = Trolley(QidoRS(transport), WadoRS(transport), storage)
    objects: list[DICOMDownloadable] = [StudyReference(uid) for uid in task.studies]
    if search_first:
        query = Query(StudyInstanceUID=list(task.studies), query_level=QueryLevels.INSTANCE)
        objects = list(trolley.find_studies(query))

    def run() -> None:
        receipt = trolley.download(objects)
        if not receipt.complete:
            raise AssertionError([*receipt.reasons, receipt.outcomes[0].reason])
        task.check(len(receipt.outcomes))

    return run


if __name__ == "__main__":
    Contest(__file__, WORKS, globals(), PEERS, house, ROUNDS).main()
