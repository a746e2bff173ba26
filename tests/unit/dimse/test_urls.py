"""What a URL says of a DIMSE archive, and what it must not say."""

from __future__ import annotations

from typing import Any

import pytest

from gurney import InvalidInputError
from gurney.dimse.urls import ArchiveURL, ReceiverAddress


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("dimse://A@h", {"host": "h", "port": 104, "called": "A", "tls": False}),
        ("dimse+tls://A@h/", {"port": 2762, "tls": True}),
        ("dimse://MY%20PACS@h:11112", {"called": "MY PACS", "port": 11112}),
        ("dimse://A@[::1]:4242", {"host": "::1", "port": 4242}),
        ("dimse://A@[::1]", {"host": "::1", "port": 104}),
        ("dimse://A@h", {"calling": "GURNEY", "retrieve": "auto", "root": "study", "user": ""}),
        ("dimse://A@h?calling=ME&retrieve=move", {"calling": "ME", "retrieve": "move"}),
        ("dimse://A@h?root=patient&associations=2", {"root": "patient", "associations": 2}),
        ("dimse://A@h?user=me", {"user": "me"}),
        ("dimse://A@h", {"receiver": None}),
        ("dimse://A@h?calling=ME&receiver=104", {"receiver": ReceiverAddress(port=104)}),
        ("dimse://A@h?calling=ME&receiver=104", {"destination": "ME"}),
        ("dimse://A@h?destination=D", {"destination": "D", "receiver": ReceiverAddress()}),
    ],
)
def test_everything_but_secrets(url: str, said: dict[str, Any]) -> None:
    """Host, port, titles and options; what is not said is as usual."""
    named = ArchiveURL.parse(url)

    assert said == {name: getattr(named, name) for name in said}


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("11113", ReceiverAddress("127.0.0.1", 11113)),
        ("0.0.0.0", ReceiverAddress("0.0.0.0", 11112)),
        ("here.example:104", ReceiverAddress("here.example", 104)),
        ("[::]:104", ReceiverAddress("::", 104)),
    ],
)
def test_where_to_receive(text: str, address: ReceiverAddress) -> None:
    """On this machine and at the usual port, unless it says otherwise."""
    assert address == ReceiverAddress.parse(text)


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("dimse://h:104", "does not say the archive's AE title"),
        ("dimse://", "write dimse://CALLED@host:port"),
        ("dicom://A@h", "write dimse://CALLED@host:port"),
        ("dimse://A@", "names no host"),
        ("dimse://A@h:0", "no port from 1 to 65535"),
        ("dimse://A@h:65536", "no port from 1 to 65535"),
        ("dimse://A@h:x", "no port from 1 to 65535"),
        ("dimse://A@[::1]104", "no port from 1 to 65535"),
        ("dimse://A@h/studies", "has no path"),
        ("dimse://A@h?retrive=get", "did you mean retrieve"),
        ("dimse://A@h?retrieve=wado-rs", "one of auto, get, move"),
        ("dimse://A@h?root=series", "one of study, patient"),
        ("dimse://A@h?associations=0", "1 to 999"),
        ("dimse://A@h?associations=many", "1 to 999"),
        ("dimse://A@h?receiver=h:x", "receiver is host:port"),
        ("dimse://A@h?receiver=0", "receiver is host:port"),
        ("dimse://A@h?receiver=:104", "receiver is host:port"),
        ("dimse://A@h?receiver=", "empty, or given twice"),
        ("dimse://A@h?calling=B&calling=C", "empty, or given twice"),
        ("dimse://A@h#x", "%23"),
        ("dimse://A@ h", "write dimse://CALLED@host:port"),
    ],
)
def test_mistakes_are_named(url: str, words: str) -> None:
    """With what to write instead."""
    with pytest.raises(InvalidInputError, match=words):
        ArchiveURL.parse(url)


@pytest.mark.parametrize(
    "url",
    [
        "dimse://A:s3cret@h",
        "dimse://A%3As3cret@h",
        "dimse://A@h?password=s3cret",
        "dimse://A@h?s3cret",
        "dimse://A@h/x@s3cret",
    ],
)
def test_secrets_are_refused_and_not_repeated(url: str) -> None:
    """Errors are logged; a URL is seen by everybody on the machine."""
    with pytest.raises(InvalidInputError) as caught:
        ArchiveURL.parse(url)

    assert "s3cret" not in str(caught.value)


def test_repr_does_not_say_who_one_is() -> None:
    """It may be in logs."""
    assert "somebody" not in repr(ArchiveURL.parse("dimse://A@h?user=somebody"))
