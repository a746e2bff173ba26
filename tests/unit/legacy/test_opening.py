"""From a URL to an archive with MINT and RAD-69: what it may say, and what it never shows."""

from __future__ import annotations

from importlib.metadata import distribution
from pathlib import Path
from typing import Final

import pytest
from typing_extensions import override

from gurney.archives import Archive, open_archive
from gurney.core import (
    AuthenticationError,
    InstanceReference,
    InvalidInputError,
    Query,
    QueryLevels,
)
from gurney.legacy import LegacyArchive, open_url
from gurney.legacy.urls import ArchiveURL
from gurney.manners import Pace
from gurney.testing import example_datasets
from gurney.testing.dicomweb import DICOMwebServer
from gurney.testing.legacy import Exchange, Fault, LegacyServer, Reply

PASSWORD: Final = "s3cret"
VARIABLES: Final = (
    "HOST",
    "TOKEN",
    "TOKEN_FILE",
    "USER",
    "PASSWORD",
    "CERT",
    "KEY",
    "ALLOW_INSECURE",
)
FIRST: Final = InstanceReference("2.25.4002", "2.25.400201", "2.25.400201001")
SCHEMES: Final = ("mint+http", "mint+https", "rad69+http", "rad69+https")


@pytest.fixture(autouse=True)
def _nothing_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment and the files of whoever runs this are not looked at."""
    for name in VARIABLES:
        monkeypatch.delenv(f"GURNEY_{name}", raising=False)
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("mint+https://h.example/mint", ArchiveURL("https://h.example/mint")),
        ("rad69+http://localhost:1/rids", ArchiveURL(None, "http://localhost:1/rids")),
        ("MINT+HTTPS://me@h.example/a", ArchiveURL("https://h.example/a", user="me")),
        (
            "mint+https://h.example/mint?rad69=/rids",
            ArchiveURL("https://h.example/mint", "https://h.example/rids"),
        ),
        (
            "rad69+https://h.example/rids?mint=/mint",
            ArchiveURL("https://h.example/mint", "https://h.example/rids"),
        ),
        (
            "mint+https://h.example:8080/mint?rad69=https://h.example:2525/rids",
            ArchiveURL("https://h.example:8080/mint", "https://h.example:2525/rids"),
        ),
        (
            "mint+https://h.example/mint?wado=/wado",
            ArchiveURL("https://h.example/mint", wado_uri="https://h.example/wado"),
        ),
        (
            "mint+https://h/mint?rad69=/r&repository=1.2.3&home=urn:oid:1.2",
            ArchiveURL("https://h/mint", "https://h/r", "", "1.2.3", "urn:oid:1.2"),
        ),
    ],
)
def test_what_a_url_says(url: str, expected: ArchiveURL) -> None:
    """Both services may stand first."""
    assert expected == ArchiveURL.parse(url)


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("https://h/a", "not the URL of a MINT or RAD-69 archive"),
        ("mint+https://me:s3cret@h/a", "holds a password"),
        ("mint+https://h/a?mint=/b", "there are rad69, wado, repository and home"),
        ("mint+https://h/a?password=s3cret", "there are rad69, wado, repository and home"),
        ("mint+https://h/a?repository=1.2.3", "are for RAD-69"),
        ("mint+https://h/a?rad69=ftp://h/a", "a path, or a URL"),
        ("mint+https://h/a?rad69=http://h/a", "use https"),
        ("mint+https://h/a?rad69=/a&wado=/b", "name one of them"),
        ("rad69+https://h/a?wado=/b", "there are mint, repository and home"),
        ("mint+https://h/a?rad69=", "empty, or given twice"),
        ("mint+https://h/a?rad69=/a&repository=s3cret/", "repository id"),
        ("mint+https://h/a?rad69=/a&home=s3cret/", "home community id"),
    ],
)
def test_malformed_urls(url: str, words: str) -> None:
    """The error says what to change, and repeats nothing that may be a secret."""
    with pytest.raises(InvalidInputError, match=words) as caught:
        open_url(url)
    if "repository" not in url:
        assert PASSWORD not in str(caught.value)


@pytest.mark.parametrize("first", ["mint", "rad69"])
def test_both_services_are_one_archive(first: str) -> None:
    """Searched by one, fetched from by the other, whichever stands first."""
    with LegacyServer(example_datasets()) as server:
        url = {
            "mint": f"mint+{server.mint}?rad69=/rad69",
            "rad69": f"rad69+{server.rad69}?mint=/mint",
        }[first]
        with open_url(url) as archive:
            found = archive.find_studies(Query(query_level=QueryLevels.INSTANCE))
            files = list(archive.files(found))

        assert f"LegacyArchive(mint='{server.mint}', rad69='{server.rad69}')" == repr(archive)
    assert found.complete
    assert 8 == len(files)


def test_services_may_be_on_two_ports() -> None:
    """Each has a line of its own, and one pace."""
    pace = Pace()
    with LegacyServer(example_datasets()) as one, LegacyServer(example_datasets()) as other:
        with open_url(f"mint+{one.mint}?rad69={other.rad69}", pace=pace) as archive:
            archive.find_studies(Query(StudyInstanceUID="2.25.4001"))
            archive.get_dataset(FIRST)

        assert len(one.requests) + len(other.requests) == pace.requests
        assert 1 == len(other.requests)


def test_instances_may_come_by_wado_uri() -> None:
    """From wherever that is."""
    with (
        LegacyServer(example_datasets()) as server,
        DICOMwebServer(example_datasets()) as web,
        open_url(f"mint+{server.mint}?wado={web.wado_uri}") as archive,
    ):
        study = archive.find_study_by_id("2.25.4002", query_level=QueryLevels.INSTANCE)
        files = [(file.protocol, file.reference) for file in archive.files([study])]

    assert 3 == len(files)
    assert ("WADO-URI", FIRST) in files


def test_what_is_not_named_is_told() -> None:
    """Who searches only fetches nothing, and the other way round: at once."""
    with pytest.raises(InvalidInputError, match="name the address of its RAD-69"):
        open_url("mint+http://localhost/mint").files([FIRST])
    with pytest.raises(InvalidInputError, match="name the address of its MINT"):
        open_url("rad69+http://localhost/rids").find_studies(Query())
    with pytest.raises(InvalidInputError, match="name one address"):
        LegacyArchive()


class Guarded(Fault):
    """Lets in who sends the right header."""

    @override
    def replied(self, exchange: Exchange, reply: Reply, /) -> Reply:
        """Refuse others."""
        right = exchange.asked.headers.get("authorization") == f"Bearer {PASSWORD}"
        return reply if right else Reply(401)


def test_who_is_let_in_by_nobody_is_told_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    """By searching and by fetching; then it works."""
    with LegacyServer(example_datasets(), [Guarded()]) as server:
        url = f"mint+{server.mint}?rad69=/rad69"
        host = server.mint.split("/")[2]
        with open_url(url) as archive:
            with pytest.raises(AuthenticationError, match="GURNEY_TOKEN"):
                archive.find_studies(Query())
            with pytest.raises(AuthenticationError, match="GURNEY_TOKEN"):
                list(archive.files([FIRST]))
        monkeypatch.setenv("GURNEY_HOST", host)
        monkeypatch.setenv("GURNEY_TOKEN", PASSWORD)
        with open_url(url) as archive:
            found = archive.find_studies(Query())
            dataset = archive.get_dataset(FIRST)

    assert found.complete
    assert FIRST.instance_uid == dataset.SOPInstanceUID
    assert PASSWORD not in repr(archive)


def test_schemes_are_announced() -> None:
    """`gurney.open_archive` finds them by their entry points."""
    found = {
        entry.name
        for entry in distribution("gurney").entry_points
        if entry.value == "gurney.legacy:open_url"
    }

    assert set(SCHEMES) == found


def test_open_archive_opens_it() -> None:
    """As any archive."""
    archive: Archive = open_archive("mint+http://localhost/mint?rad69=/rids")

    assert isinstance(archive, LegacyArchive)
