"""Orthanc with limits stops early and says nothing (Q08, D03); we end complete, or say so."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from tests.servers.corpus import Loaded, load
from tests.servers.orthanc import Orthanc, Settings

from gurney import Trolley
from gurney.core import (
    Completeness,
    DICOMObjectLevels,
    FileDownloader,
    Query,
    QueryLevels,
    to_instance_refs,
    to_references,
)
from gurney.dicomweb import DICOMwebQuery, QidoRS, WadoRS
from gurney.dimse import CFind, CFindQuery, CGet, Peer
from gurney.testing import TREE, conformance_files

from .conftest import StartOrthanc

LEVELS = list(QueryLevels)


def qido(server: Orthanc, max_requests: int = 500) -> QidoRS:
    return QidoRS(server.url, max_requests=max_requests)


def relational_qido(server: Orthanc, max_requests: int = 500) -> QidoRS:
    return QidoRS(server.url, max_requests=max_requests, relational=True)


def c_find(server: Orthanc, max_requests: int = 500) -> CFind:
    return CFind(peer(server), max_requests=max_requests)


def wado(server: Orthanc) -> WadoRS:
    return WadoRS(server.url)


def c_get(server: Orthanc) -> CGet:
    return CGet(peer(server))


def peer(server: Orthanc) -> Peer:
    return Peer("127.0.0.1", server.dicom_port, server.ae_title)


Find = Callable[[Orthanc], QidoRS | CFind]
Get = Callable[[Orthanc], FileDownloader]


@pytest.fixture(scope="module", params=[2, 5], ids="limit {}".format)
def capped(request: pytest.FixtureRequest, start_orthanc: StartOrthanc) -> Orthanc:
    """It never gives more than so many studies, series or instances."""
    server = start_orthanc(Settings(limit_results=request.param, limit_instances=request.param))
    server.fill(conformance_files().values())
    return server


@pytest.fixture(scope="module")
def uneven_corpus(start_orthanc: StartOrthanc, corpus: Path) -> Loaded:
    return load(corpus, start_orthanc(Settings(limit_results=20, limit_instances=15)))


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("find", [qido, relational_qido, c_find])
def test_small_archive_is_found_whole(capped: Orthanc, find: Find, level: QueryLevels) -> None:
    """What differs by date or number can be told apart, and so all of it comes.

    That there are no studies without a date, such an archive cannot prove.
    """
    found = find(capped).find_studies(Query(query_level=level))

    depth = DICOMObjectLevels.from_query_level(level)
    assert set(to_references(TREE, depth)) == set(to_references(found, depth))
    assert all("without a StudyDate" in reason for reason in found.reasons)


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("find", [qido, c_find])
def test_without_more_requests_it_says_so(
    capped: Orthanc, find: Callable[[Orthanc, int], QidoRS | CFind], level: QueryLevels
) -> None:
    """Neither does less than everything pass for everything, nor is what came lost."""
    found = find(capped, 0).find_studies(Query(query_level=level))

    depth = DICOMObjectLevels.from_query_level(level)
    references = set(to_references(found, depth))
    assert references <= set(to_references(TREE, depth))
    assert references
    assert references == set(to_references(TREE, depth)) or not found.complete


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize(
    ("fixture", "find"),
    [
        ("capped_corpus", qido),
        ("capped_corpus", relational_qido),
        ("capped_corpus", c_find),
        ("uneven_corpus", c_find),
    ],
)
def test_large_archive_is_never_short_in_silence(
    request: pytest.FixtureRequest, fixture: str, find: Find, level: QueryLevels
) -> None:
    """The corpus, a few at a time: the true number, or a result that says it is less."""
    loaded: Loaded = request.getfixturevalue(fixture)
    found = find(loaded.server).find_studies(Query(query_level=level))

    depth = 3 - DICOMObjectLevels.from_query_level(level)
    expected = {reference.uids[:depth] for reference in loaded.held}
    references = to_references(found, DICOMObjectLevels.from_query_level(level))
    ours = {reference.uids for reference in references}
    assert set() == ours - expected
    assert len(expected) == len(ours) or not found.complete


@pytest.mark.parametrize(
    ("find", "query"), [(qido, DICOMwebQuery(limit=1)), (c_find, CFindQuery(limit=1))]
)
def test_window_of_the_caller_says_that_it_is_one(
    capped: Orthanc, find: Find, query: Query
) -> None:
    """A limit that was asked for is no proof that there is no more."""
    found = find(capped).find_studies(query)

    assert 1 == len(found)
    assert Completeness.CAPPED is found.completeness


@pytest.mark.parametrize(("find", "get"), [(qido, wado), (c_find, c_get)])
def test_download_holds_everything(capped: Orthanc, find: Find, get: Get, tmp_path: Path) -> None:
    """Also where the trolley asks for what is in a study."""
    trolley = Trolley(find(capped), get(capped))
    receipt = trolley.download(trolley.find_studies(Query()), tmp_path)

    assert () == receipt.missing
    assert all("without a StudyDate" in reason for reason in receipt.reasons)
    assert set(to_instance_refs(TREE)) == {outcome.reference for outcome in receipt.outcomes}
