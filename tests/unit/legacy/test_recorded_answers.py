"""Answers in the form in which archives send them: IHE RAD TF-2 4.69.4.2, and MINT.

A line ``[UID]`` of an answer stands for the bytes of that instance.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from pydicom.uid import UID
from typing_extensions import override

from gurney.core import (
    DICOMFile,
    DownloadError,
    InstanceReference,
    Query,
    QueryLevels,
    encode,
    text,
)
from gurney.http import Retries, Transport
from gurney.legacy import Mint, Rad69
from gurney.testing import example_datasets
from gurney.testing.legacy import Exchange, Fault, LegacyServer, Reply

ANSWERS: Final = Path(__file__).with_name("answers")
QUICK: Final = Retries(attempts=1, first_wait=0.0, sleep=lambda _: None)
FIRST, SECOND, THIRD = (InstanceReference("2.25.11", "2.25.11.1", f"2.25.11.1.{n}") for n in "123")


def content_of(reference: InstanceReference) -> bytes:
    """Return the file of an instance."""
    dataset = copy.deepcopy(example_datasets()[0])
    dataset.StudyInstanceUID, dataset.SeriesInstanceUID, dataset.SOPInstanceUID = reference.uids
    dataset.file_meta.MediaStorageSOPInstanceUID = UID(reference.instance_uid)
    return encode(dataset)


class Recorded(Fault):
    """The archive answers with a file of this folder, whatever was asked."""

    def __init__(self, name: str, content_type: str, status: int = 200) -> None:
        super().__init__()
        self.reply = Reply(status, {"Content-Type": content_type}, (self._content(name),))

    @override
    def replied(self, exchange: Exchange, reply: Reply, /) -> Reply:
        """Send it."""
        return self.reply

    def _content(self, name: str) -> bytes:
        content = (ANSWERS / name).read_bytes().replace(b"\n", b"\r\n")
        return re.sub(
            rb"\[(2\.25\.11\.1)\.(\d)\]",
            lambda found: content_of((FIRST, SECOND, THIRD)[int(found[2]) - 1]),
            content,
        )


def fetched(
    answer: Recorded, *wanted: InstanceReference
) -> tuple[dict[InstanceReference, bytes], dict[InstanceReference, str]]:
    """Return what comes, and why the rest does not."""

    def read(files: Iterable[DICOMFile]) -> Iterator[tuple[InstanceReference, bytes | str]]:
        for file in files:
            assert isinstance(file.reference, InstanceReference)
            try:
                yield file.reference, b"".join(file.chunks)
            except DownloadError as error:
                yield file.reference, str(error)

    with LegacyServer((), [answer]) as server:
        outcomes = dict(read(Rad69(Transport(server.rad69, retries=QUICK)).files(wanted)))
    came = {ref: found for ref, found in outcomes.items() if isinstance(found, bytes)}
    return came, {ref: found for ref, found in outcomes.items() if isinstance(found, str)}


def test_partial_success_in_mtom() -> None:
    """Documents by the names of their parts; the error's code, without its words."""
    content_type = (
        'multipart/related; boundary="MIMEBoundary_7f3a"; type="application/xop+xml";'
        ' start="<0.answer@archive.example>"; start-info="application/soap+xml"'
    )
    answer = Recorded("partial-success.mime", content_type)
    came, failed = fetched(answer, FIRST, SECOND, THIRD)

    assert {FIRST: content_of(FIRST), SECOND: content_of(SECOND)} == came
    assert {THIRD} == failed.keys()
    assert "the archive does not send it: XDSDocumentUniqueIdError" in failed[THIRD]
    assert "DOE" not in failed[THIRD]


def test_a_fault_of_soap() -> None:
    """Its code, not that of its subcode; without its words."""
    for status in (200, 400, 500):
        came, failed = fetched(Recorded("fault.xml", "application/soap+xml", status), FIRST)

        assert {} == came
        assert f"a SOAP fault (Sender, status {status})" in failed[FIRST]
        assert "DOE" not in failed[FIRST]


def test_a_search_by_mint() -> None:
    """Attributes after their children; elements that nobody knows; letters as references."""
    with LegacyServer((), [Recorded("studies.xml", "application/xml")]) as server:
        mint = Mint(Transport(server.mint, retries=QUICK))
        result = mint.find_studies(
            Query(StudyInstanceUID="2.25.11", query_level=QueryLevels.INSTANCE)
        )

    (study,) = result
    (series,) = study.series
    assert ("2.25.11", "2.25.11.1") == (study.uid, series.uid)
    assert ["2.25.11.1.1", "2.25.11.1.2"] == [instance.uid for instance in series.instances]
    assert "Döe^J&ne" == text(study.data, "PatientName")
    assert "CT" == text(series.data, "Modality")
    assert result.complete, result.reasons
