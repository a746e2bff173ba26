"""The examples of the README, letter by letter, for the type checkers; tests/unit runs them."""

from gurney import DICOMObjectLevels, Query, Trolley, group_by_study, open_archive

archive = open_archive("studies")  # a folder; or a URL that an installed backend opens
trolley = Trolley(archive, archive)
found = trolley.find_studies(Query(PatientName="doe*", min_study_date="20030101"))
print(len(found), "studies;", found.completeness.value, *found.reasons)

series = trolley.resolve(found, DICOMObjectLevels.SERIES)  # references: small, sorted, hashable
print(*(len(group) for group in group_by_study(series).values()), "series")

receipt = trolley.download(found, "out")
print(receipt.complete, receipt.verified_bytes, "bytes; missing:", receipt.missing)

from gurney import Query
from gurney.dicomweb import DICOMwebArchive
from gurney.testing import example_datasets
from gurney.testing.dicomweb import DICOMwebServer

with DICOMwebServer(example_datasets(), faults=["Q04"], page=2) as server:
    with DICOMwebArchive(server.url) as archive:  # or an address and your `requests.Session`
        found = archive.find_studies(Query(PatientName="*"))
        received = [dataset.SOPInstanceUID for dataset in archive.datasets(found)]

assert (4, "unknown") == (len(found), found.completeness.value), found.reasons
assert 8 == len(received)

from gurney import Ladder, Query, QueryLevels
from gurney.dicomweb import WadoRS
from gurney.dimse import CFind, CGet, Peer
from gurney.testing import example_datasets
from gurney.testing.dicomweb import DICOMwebServer
from gurney.testing.dimse import DIMSEServer

held = example_datasets()
with DIMSEServer(held, faults=["D14"]) as pacs, DICOMwebServer(held) as web:
    peer = Peer("127.0.0.1", pacs.port, pacs.ae_title)
    found = CFind(peer).find_studies(Query(query_level=QueryLevels.INSTANCE))
    files = [file for file in Ladder(CGet(peer), WadoRS(web.url)).files(found) if file.read()]

assert found.complete, found.reasons
assert ["WADO-RS"] * 8 == [file.protocol for file in files]

from tempfile import TemporaryDirectory

from gurney import Query
from gurney.storage import FolderStorage
from gurney.testing import MemoryArchive, example_datasets
from gurney.transfer import Given, Limits, Transfer

archive = MemoryArchive(example_datasets())  # or, as the source, ArchiveURLs("dicomweb+https://…")
with TemporaryDirectory() as folder:
    transfer = Transfer(
        [Query(PatientID="EX-1")],  # references, queries, or read_cohort("cohort.csv")
        Given(archive, archive, "examples"),
        FolderStorage(folder),
        limits=Limits(parallel=2, bytes_per_second=20e6),
    )
    plan = transfer.plan()
    report = transfer.run()  # with any concurrent.futures.Executor; threads if none is given

    assert plan.complete and report.complete, report.reasons
    assert plan.instances == sum(study.received for study in report.studies())

from pydicom.dataset import Dataset

from gurney import StudyReference, Trolley
from gurney.storage import TransformingStorage, storage_at
from gurney.testing import MemoryArchive, example_datasets


def deidentify(dataset: Dataset) -> Dataset | None:  # yours, or one from the field
    dataset.PatientName = dataset.PatientID = "someone"
    return dataset  # or None: not to be kept


kept = storage_at("memory://research")  # "out" is a folder, "s3://bucket/research" an object store
archive = MemoryArchive(example_datasets())
trolley = Trolley(archive, archive, TransformingStorage(kept, deidentify))

assert trolley.download([StudyReference("2.25.4001")]).complete

from gurney import Query, Study, searcher_from


def look_up(query: Query) -> list[Study]:
    return [Study("1.2.840.1")] if query.PatientID == "4711" else []


searcher = searcher_from(look_up)
assert searcher.find_study(Query(PatientID="4711")).uid == "1.2.840.1"
