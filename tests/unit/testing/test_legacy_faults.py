"""Faults of the archive for tests: the table of them is complete, and each is seen on the wire."""

from __future__ import annotations

import re
from typing import Final

import pytest
import requests

from gurney.core import InstanceReference, InvalidInputError
from gurney.legacy.rad69.asking import Asking
from gurney.testing import example_datasets
from gurney.testing.legacy import FAULTS, Fault, LegacyServer
from gurney.testing.legacy.command import main

QUIRKS: Final = [f"X{number:02}" for number in range(1, 26)]
STUDY: Final = "2.25.4002"
REFERENCES: Final = [
    InstanceReference(STUDY, f"2.25.40020{series}", f"2.25.40020{series}00{number}")
    for series, number in ((1, 1), (1, 2), (2, 1))
]
SEARCHES: Final = {
    "X14": "limit=1",
    "X15": "min_study_date=20000101&max_study_date=20300101",
    "X23": "PatientID=EX-1",
    "X24": "IncludeFields=PatientName",
    "X25": "QueryLevel=SERIES",
}
BY_MINT: Final = ("X04", "X16", "X19", "X22", *SEARCHES)
LONG: Final = 30.0


def wire(quirk: str, *faults: str) -> tuple[int, str, bytes]:
    """Return the answer to a telling request: status, type, and as much of it as comes soon."""
    with LegacyServer(example_datasets(), faults, page=2) as server, requests.Session() as session:
        session.trust_env = False
        if quirk in BY_MINT:
            query = SEARCHES.get(quirk, "QueryLevel=INSTANCE")
            answer = session.get(f"{server.mint}/studies?{query}", stream=True, timeout=LONG)
        else:
            headers, body = Asking("1.2.3").request(REFERENCES, "")
            answer = session.post(
                server.rad69, data=body, headers=headers, stream=True, timeout=LONG
            )
        try:
            content = b"".join(answer.raw.stream(65536))[:65536] if quirk != "X20" else b""
        except Exception:  # noqa: BLE001  it is cut on purpose
            content = b"cut"
        if quirk == "X20":
            content = answer.raw.read(100_000)
        answer.close()
    return answer.status_code, answer.headers["Content-Type"], content


def test_table_is_complete() -> None:
    """Every quirk of XML, MINT and RAD-69 has its fault, in order."""
    assert QUIRKS == list(FAULTS)


@pytest.mark.parametrize("quirk", QUIRKS)
def test_a_fault_is_documented_in_one_line(quirk: str) -> None:
    """The list of faults says of each what it does."""
    text = FAULTS[quirk].__doc__ or ""

    assert text.endswith((".", "..."))
    assert 20 < len(text) < 100
    assert "\n" not in text


@pytest.mark.parametrize("quirk", QUIRKS)
def test_a_fault_is_seen_on_the_wire(quirk: str) -> None:
    """One request, two answers: from the archive that behaves, and from the one that does not."""
    good = wire(quirk)

    assert 200 == good[0]
    assert good == wire(quirk)
    assert good != wire(quirk, quirk)


def test_unknown_fault_is_refused() -> None:
    """A misspelt id would make a test pass for no reason."""
    with pytest.raises(InvalidInputError, match="'X99'"):
        LegacyServer([], ["X99"])


def test_a_fault_of_ones_own_and_of_the_table_add_up() -> None:
    """Each fault alters what those before it have made."""

    class Nothing(Fault):
        """Does nothing."""

    with LegacyServer(example_datasets(), [Nothing(), "X03", "X17"]) as server:
        headers, body = Asking("1.2.3").request(REFERENCES, "")
        answer = requests.post(server.rad69, data=body, headers=headers, timeout=LONG)

    assert 3 == len(re.findall(b"<Document>[A-Za-z0-9+/=\n]+</Document>", answer.content))


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("", 200),
        ("min_study_date=20240101", 400),
        ("limit=x", 400),
        ("QueryLevel=FRAME", 400),
        ("NoSuchKey=1", 400),
        ("PatientID=nobody", 200),
    ],
)
def test_mint_is_strict(query: str, status: int) -> None:
    """A client that asks for nonsense is told."""
    with LegacyServer(example_datasets()) as server:
        answer = requests.get(f"{server.mint}/studies?{query}", timeout=LONG)

    assert status == answer.status_code


@pytest.mark.parametrize(
    ("alter", "status"),
    [
        ((b"", b""), 200),
        ((b'mustUnderstand="true"', b""), 400),
        ((b"urn:ihe:rad:2009:Retrieve", b"urn:ihe:rad:2009:Other"), 400),
        ((b"TransferSyntaxUIDList", b"Other"), 400),
        ((b"DocumentRequest", b"Other"), 400),
        ((b"</s:Envelope>", b""), 400),
        ((b'encoding="UTF-8"?>', b'encoding="UTF-8"?><!DOCTYPE a>'), 400),
    ],
)
def test_rad69_is_strict(alter: tuple[bytes, bytes], status: int) -> None:
    """A client that asks otherwise than the profile has it is told."""
    with LegacyServer(example_datasets()) as server:
        headers, body = Asking("1.2.3", mtom=False).request(REFERENCES, "")
        body = body.replace(*alter) if alter[0] else body
        answer = requests.post(server.rad69, data=body, headers=headers, timeout=LONG)

    assert status == answer.status_code


def test_it_is_a_program(capsys: pytest.CaptureFixture[str]) -> None:
    """It lists its faults, and refuses what it does not know."""
    assert 0 == main(["--list"])
    assert len(FAULTS) == len(capsys.readouterr().out.splitlines())
    assert 2 == main(["--fault", "X99"])
    assert "X99" in capsys.readouterr().err
