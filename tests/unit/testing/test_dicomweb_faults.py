"""Faults of the archive for tests: the table of them is complete, and each is seen on the wire."""

from __future__ import annotations

import re
import socket
from collections.abc import Mapping, Sequence
from typing import Final
from urllib.parse import urlsplit

import pytest
from pydicom.dataset import Dataset
from pydicom.uid import ImplicitVRLittleEndian, RLELossless

from gurney.core import InvalidInputError
from gurney.testing import example_datasets
from gurney.testing.dicomweb import FAULTS, DICOMwebServer, Exchange, Fault, Reply
from gurney.testing.making import MadeSeries, made

QUIRKS: Final = [
    *(f"Q{number:02}" for number in range(1, 34)),
    *(f"W{number:02}" for number in range(1, 29)),
]
LONG: Final = 30.0  # seconds; no test waits so long, unless what it tests is broken
NEVER: Final = 3600.0

STUDIES: Final = "/dicom-web/studies"
INSTANCES: Final = "/dicom-web/instances"
HEAD: Final = f"{STUDIES}/2.25.4002"
INSTANCE: Final = f"{HEAD}/series/2.25.400201/instances/2.25.400201001"
LAST: Final = f"{HEAD}/series/2.25.400202/instances/2.25.400202001"
PACKED: Final = f"{STUDIES}/2.25.4005"
BY_URI: Final = (
    "/wado?requestType=WADO&studyUID=2.25.4002&seriesUID=2.25.400201&objectUID=2.25.400201001"
)
QUOTED: Final = 'multipart/related; type="application/dicom"'

# A request that a well-behaved archive answers differently.
TELLING: Final[Mapping[str, str]] = {
    "Q01": f"{STUDIES}?PatientID=nobody",
    "Q03": f"{STUDIES}?PatientID=nobody",
    "Q04": f"{STUDIES}?PatientID=nobody",
    "Q05": INSTANCES,
    "Q06": INSTANCES,
    "Q07": f"{INSTANCES}?limit=8",
    "Q08": f"{INSTANCES}?offset=5",
    "Q09": INSTANCES,
    "Q10": f"{INSTANCES}?limit=3",
    "Q11": f"{INSTANCES}?offset=5",
    "Q12": f"{INSTANCES}?offset=5",
    "Q13": f"{INSTANCES}?limit=8",
    "Q14": INSTANCES,
    "Q15": f"{STUDIES}?PatientID=EX-1",
    "Q16": f"{STUDIES}?StudyDescription=Thorax",
    "Q18": f"{STUDIES}?StudyInstanceUID=2.25.4001,2.25.4002",
    "Q19": f"{INSTANCES}?includefield=all",
    "Q21": f"{STUDIES}?includefield=StudyDescription",
    "Q24": f"{STUDIES}?PatientID=EX-3",
    "Q32": f"{STUDIES}?PatientName=M%2A",
    "W06": INSTANCE,
    "W08": INSTANCE,
    "W10": PACKED,
    "W16": f"{PACKED}/metadata",
    "W18": INSTANCE,
    "W21": f"{HEAD}/metadata",
    "W24": BY_URI,
    "W25": f"{BY_URI}&contentType=application/dicom&transferSyntax={ImplicitVRLittleEndian}",
    "W26": LAST,
    **dict.fromkeys(("W27", "W28"), HEAD),
}
HEADERS: Final[Mapping[str, Mapping[str, str]]] = {
    "Q31": {"Accept": "application/dicom+xml"},
    "W07": {"Accept": QUOTED},
    "W08": {"Accept": "application/dicom"},
    "W09": {"Accept": f"{QUOTED}; transfer-syntax=*"},
    "W10": {"Accept": QUOTED},
    "W11": {"Accept": f"{QUOTED}; transfer-syntax=*"},
    "W18": {"Accept": "application/dicom", "Range": "bytes=128-131"},
}
UNENDING: Final = ("W20", "W22")
SEEN_THE_SECOND_TIME: Final = ("Q30",)


def datasets() -> list[Dataset]:
    """Return the examples, and a study of six that are compressed."""
    series = MadeSeries("XA", 6, transfer_syntax=RLELossless)
    return [*example_datasets(), *made("2.25.4005", {"PatientID": "EX-4"}, series)]


def wire(faults: Sequence[str | Fault], quirk: str, pause: float = 0.001) -> bytes:
    """Return the answer to the telling request, byte by byte, without its date and port."""
    with DICOMwebServer(datasets(), faults, pause=pause) as server:
        if quirk in SEEN_THE_SECOND_TIME:
            ask(server, quirk)
        answer = ask(server, quirk, ends=quirk not in UNENDING or not faults)
    answer = answer.replace(str(urlsplit(server.url).port).encode(), b"PORT")
    return re.sub(rb"\r\nDate: [^\r]*", b"", answer)


def ask(server: DICOMwebServer, quirk: str, *, ends: bool = True) -> bytes:
    """Read an answer to its end; if it has none, until the server is closed."""
    path = TELLING.get(quirk, STUDIES if quirk.startswith("Q") else HEAD)
    headers = "".join(f"{name}: {value}\r\n" for name, value in HEADERS.get(quirk, {}).items())
    address = "127.0.0.1", urlsplit(server.url).port or 0
    with socket.create_connection(address, LONG) as line, line.makefile("rb") as reader:
        line.sendall(f"GET {path} HTTP/1.1\r\nHost: archive\r\n{headers}\r\n".encode())
        if ends:
            return reader.read()
        head = b"".join(iter(reader.readline, b"\r\n"))
        begin = reader.read(1)
        server.close()
        return head + begin + reader.read()


def test_table_is_complete() -> None:
    """Every quirk of searching and of retrieving over the web has its fault, in order."""
    assert QUIRKS == list(FAULTS)


@pytest.mark.parametrize("quirk", QUIRKS)
def test_a_fault_is_documented_in_one_line(quirk: str) -> None:
    """The list of faults says of each what it does."""
    text = FAULTS[quirk].__doc__ or ""

    assert text.endswith((".", "..."))
    assert 20 < len(text) < 100
    assert "\n" not in text


@pytest.mark.parametrize("quirk", [quirk for quirk in QUIRKS if FAULTS[quirk].on_the_wire])
def test_a_fault_is_seen_on_the_wire(quirk: str) -> None:
    """One request, two answers: from the archive that behaves, and from the one that does not."""
    pause = NEVER if quirk == "W20" else 0.001
    good = wire([], quirk, pause)

    assert good == wire([], quirk, pause)
    assert good != wire([quirk], quirk, pause)


def test_what_is_not_on_the_wire_is_said() -> None:
    """An empty list is right (Q02), and no archive makes a client send a wrong date (Q17)."""
    assert ["Q02", "Q17"] == [quirk for quirk in QUIRKS if not FAULTS[quirk].on_the_wire]


def test_unknown_fault_is_refused() -> None:
    """A misspelt id would make a test pass for no reason."""
    with pytest.raises(InvalidInputError, match="'Q99'"):
        DICOMwebServer([], ["Q99"])


def test_a_fault_stops_after_so_many_times() -> None:
    """With `times`, a fault spoils that many requests; those it leaves as they are do not count."""
    with DICOMwebServer(datasets(), ["W12"], times=2) as server:
        statuses = [ask(server, quirk).split()[1] for quirk in ("W06", "W01", "Q05", "W01", "W01")]

    assert [b"200", b"206", b"200", b"206", b"200"] == statuses


class Teapot(Fault):
    """Refuses to make coffee."""

    def refusal(self, exchange: Exchange, /) -> Reply | None:
        """Be a teapot."""
        return Reply(418, {"X-Asked": exchange.asked.path})


def test_a_fault_of_ones_own() -> None:
    """Whoever misses a fault writes it."""
    answer = wire([Teapot()], "Q05")

    assert answer.startswith(b"HTTP/1.1 418 ")
    assert f"X-Asked: {INSTANCES}".encode() in answer


def test_faults_add_up() -> None:
    """Each fault alters what those before it have made."""
    answer = wire(["W12", "W05", "W17"], "W01")

    assert answer.startswith(b"HTTP/1.1 206 ")
    assert b"Content-Encoding: gzip" in answer
