"""Metadata: data sets without bulk data, of all instances that are known, or it says which not."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping

import pytest
from pydicom.tag import Tag
from tests.servers.scripted import Reply, Scripted

from gurney.core import (
    AuthenticationError,
    DICOMDownloadable,
    IncompleteDownloadError,
    Instance,
    InstanceReference,
    Series,
    SeriesReference,
    Study,
    StudyReference,
)
from gurney.dicomweb import WadoRS
from gurney.dicomweb.dicomjson import left_out
from gurney.dicomweb.wado.paths import path_of
from gurney.http import Retries, Transport

STUDY, CT, MR = "1.2", "1.2.1", "1.2.2"
REFS = [InstanceReference(STUDY, CT, f"{CT}.{i}") for i in (1, 2, 3)] + [
    InstanceReference(STUDY, MR, f"{MR}.1")
]
TREE = Study(
    STUDY,
    series=[
        Series(CT, instances=[Instance(ref.instance_uid) for ref in REFS[:3]]),
        Series(MR, instances=[Instance(REFS[3].instance_uid)]),
    ],
)


def item(ref: InstanceReference, more: Mapping[str, object] | None = None) -> dict[str, object]:
    uids = zip(("0020000D", "0020000E", "00080018"), ref.uids, strict=True)
    return {**{tag: {"vr": "UI", "Value": [uid]} for tag, uid in uids}, **(more or {})}


def document(*items: object) -> Reply:
    return Reply(json.dumps(items).encode(), kind="application/dicom+json")


@pytest.fixture
def archive() -> Iterator[Scripted]:
    with Scripted() as server:
        server.replies[f"studies/{STUDY}/metadata"] = [document(*map(item, REFS))]
        for uid, refs in ((CT, REFS[:3]), (MR, REFS[3:])):
            path = path_of(SeriesReference(STUDY, uid))
            server.replies[f"{path}/metadata"] = [document(*map(item, refs))]
        for ref in REFS:
            server.replies[f"{path_of(ref)}/metadata"] = [document(item(ref))]
        yield server


@pytest.fixture
def wado(archive: Scripted) -> Iterator[WadoRS]:
    waits = Retries(attempts=2, sleep=lambda _: None)
    with Transport(archive.url, retries=waits) as transport:
        yield WadoRS(transport)


def came(wado: WadoRS, *objects: DICOMDownloadable) -> list[str]:
    return [str(dataset.SOPInstanceUID) for dataset in wado.metadata(objects)]


ALL = [ref.instance_uid for ref in REFS]


@pytest.mark.parametrize(
    "objects", [(StudyReference(STUDY),), (TREE,), tuple(TREE.series), tuple(REFS), (TREE, *REFS)]
)
def test_every_instance_has_one(wado: WadoRS, objects: tuple[DICOMDownloadable, ...]) -> None:
    """At every level; each once."""
    assert sorted(ALL) == sorted(came(wado, *objects))


def test_bulk_data_are_left_where_they_are(archive: Scripted, wado: WadoRS) -> None:
    """W21: what an archive refers to is not fetched, wherever it leads."""
    uri = "http://elsewhere.example/bulk"
    pixels = {"7FE00010": {"vr": "OW", "BulkDataURI": uri}}
    archive.replies[f"{path_of(REFS[0])}/metadata"] = [document(item(REFS[0], pixels))]
    (dataset,) = wado.metadata(REFS[:1])

    assert "PixelData" not in dataset
    assert uri == left_out(dataset)[Tag("PixelData")].uri
    assert [f"{path_of(REFS[0])}/metadata"] == archive.paths


def test_what_a_page_cuts_off_is_asked_for_in_parts(archive: Scripted, wado: WadoRS) -> None:
    """W16: a series of three answers with two."""
    path = f"{path_of(SeriesReference(STUDY, CT))}/metadata"
    archive.replies[path] = [document(*map(item, REFS[:2]))]

    assert sorted(ALL) == sorted(came(wado, TREE))
    assert f"{path_of(REFS[2])}/metadata" in archive.paths


def test_what_is_missing_is_named_in_the_end(archive: Scripted, wado: WadoRS) -> None:
    """W16: all others have been delivered by then."""
    series = f"{path_of(SeriesReference(STUDY, CT))}/metadata"
    archive.replies[series] = [document(*map(item, REFS[:2]))]
    del archive.replies[f"{path_of(REFS[2])}/metadata"]
    delivered: list[str] = []
    with pytest.raises(IncompleteDownloadError) as caught:
        delivered.extend(str(dataset.SOPInstanceUID) for dataset in wado.metadata([TREE]))

    assert {str(REFS[2])} == set(caught.value.missing)
    assert sorted({*ALL} - {REFS[2].instance_uid}) == sorted(delivered)


@pytest.mark.parametrize("reply", [Reply(status=404), document(), Reply(b"[{", kind="text/json")])
def test_a_study_without_metadata_is_named(archive: Scripted, wado: WadoRS, reply: Reply) -> None:
    """Nothing is never all there is of a study."""
    archive.replies[f"studies/{STUDY}/metadata"] = [reply]
    with pytest.raises(IncompleteDownloadError) as caught:
        came(wado, StudyReference(STUDY))

    assert {STUDY} == set(caught.value.missing)


def test_another_study_is_not_passed_on(archive: Scripted, wado: WadoRS) -> None:
    """W14: what was not asked for is refused here, too; and what comes twice."""
    other = InstanceReference("1.9", CT, REFS[0].instance_uid)
    items = [item(ref) for ref in (other, *REFS, *REFS)]
    archive.replies[f"studies/{STUDY}/metadata"] = [document(*items)]

    assert ALL == came(wado, StudyReference(STUDY))


def test_nobody_is_let_in(archive: Scripted, wado: WadoRS) -> None:
    """To ask in smaller questions helps nobody."""
    archive.replies[f"{path_of(SeriesReference(STUDY, CT))}/metadata"] = [Reply(status=403)]
    with pytest.raises(AuthenticationError):
        came(wado, TREE)
