"""Orthanc with limits stops early and says nothing (D03); we end complete, or say so."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.servers.corpus import Loaded, load
from tests.servers.orthanc import Orthanc, Settings

from gurney import Trolley
from gurney.core import (
    Completeness,
    DICOMObjectLevels,
    Query,
    QueryLevels,
    to_instance_refs,
    to_references,
)
from gurney.dimse import CFind, CFindQuery, CGet, Peer
from gurney.testing import TREE, conformance_files

from .conftest import StartOrthanc

LEVELS = list(QueryLevels)


@pytest.fixture(scope="module", params=[2, 5], ids="limit {}".format)
def capped(request: pytest.FixtureRequest, start_orthanc: StartOrthanc) -> Peer:
    """It never gives more than so many studies, series or instances."""
    server = start_orthanc(Settings(limit_results=request.param, limit_instances=request.param))
    server.fill(conformance_files().values())
    return peer(server)


@pytest.fixture(scope="module")
def uneven_corpus(start_orthanc: StartOrthanc, corpus: Path) -> Loaded:
    return load(corpus, start_orthanc(Settings(limit_results=20, limit_instances=15)))


def peer(server: Orthanc) -> Peer:
    return Peer("127.0.0.1", server.dicom_port, server.ae_title)


@pytest.mark.parametrize("level", LEVELS)
def test_small_archive_is_found_whole(capped: Peer, level: QueryLevels) -> None:
    """What differs by date or number can be told apart, and so all of it comes.

    That there are no studies without a date, such an archive cannot prove.
    """
    found = CFind(capped).find_studies(Query(query_level=level))

    depth = DICOMObjectLevels.from_query_level(level)
    assert set(to_references(TREE, depth)) == set(to_references(found, depth))
    assert all("without a StudyDate" in reason for reason in found.reasons)


@pytest.mark.parametrize("level", LEVELS)
def test_without_more_requests_it_says_so(capped: Peer, level: QueryLevels) -> None:
    """Neither does less than everything pass for everything, nor is what came lost."""
    found = CFind(capped, max_requests=0).find_studies(Query(query_level=level))

    depth = DICOMObjectLevels.from_query_level(level)
    references = set(to_references(found, depth))
    assert references <= set(to_references(TREE, depth))
    assert references
    assert references == set(to_references(TREE, depth)) or not found.complete


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("fixture", ["capped_corpus", "uneven_corpus"])
def test_large_archive_is_never_short_in_silence(
    request: pytest.FixtureRequest, fixture: str, level: QueryLevels
) -> None:
    """The corpus, a few at a time: the true number, or a result that says it is less."""
    loaded: Loaded = request.getfixturevalue(fixture)
    found = CFind(peer(loaded.server)).find_studies(Query(query_level=level))

    depth = 3 - DICOMObjectLevels.from_query_level(level)
    expected = {reference.uids[:depth] for reference in loaded.held}
    references = to_references(found, DICOMObjectLevels.from_query_level(level))
    ours = {reference.uids for reference in references}
    assert set() == ours - expected
    assert len(expected) == len(ours) or not found.complete


def test_window_of_the_caller_says_that_it_is_one(capped: Peer) -> None:
    """A limit that was asked for is no proof that there is no more."""
    found = CFind(capped).find_studies(CFindQuery(limit=1))

    assert 1 == len(found)
    assert Completeness.CAPPED is found.completeness


def test_download_holds_everything(capped: Peer, tmp_path: Path) -> None:
    """Also where the trolley asks for what is in a study."""
    trolley = Trolley(CFind(capped), CGet(capped))
    receipt = trolley.download(trolley.find_studies(Query()), tmp_path)

    assert () == receipt.missing
    assert all("without a StudyDate" in reason for reason in receipt.reasons)
    assert set(to_instance_refs(TREE)) == {outcome.reference for outcome in receipt.outcomes}
