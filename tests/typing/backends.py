"""Each backend has the shape that it says it has. Checked, never run."""

from __future__ import annotations

import requests
from typing_extensions import assert_type

from gurney import Trolley
from gurney.archives import Archive
from gurney.core import FileDownloader, Query, Searcher, SearchResult, Storage, StudyReference
from gurney.dicomweb import DICOMwebArchive, DICOMwebQuery, QidoRS, WadoRS, WadoURI, open_url
from gurney.dimse import (
    Associations,
    CFind,
    CFindQuery,
    CGet,
    CMove,
    DIMSEArchive,
    Peer,
    Receiver,
)
from gurney.dimse import open_url as open_dimse
from gurney.folder import FolderArchive
from gurney.http import Transport
from gurney.legacy import LegacyArchive, Mint, MintQuery, Rad69, VitreaLogin
from gurney.legacy import open_url as open_legacy
from gurney.retrieving import Ladder
from gurney.storage import FolderStorage, ObjectStorage, TransformingStorage, storage_at
from gurney.testing import MemoryArchive, MemoryStorage, SimulatedArchive

line = Transport("https://archive.example/dicom-web", token=lambda: "secret")
peer = Peer("archive.example", 104, "ARCHIVE", calling="GURNEY")
associations = Associations(peer)

searchers: list[Searcher] = [
    QidoRS(line),
    QidoRS("https://archive.example/dicom-web", requests.Session()),
    DICOMwebArchive(line),
    CFind(peer),
    DIMSEArchive(associations),
    FolderArchive("."),
    MemoryArchive(),
    SimulatedArchive(),
]
downloaders: list[FileDownloader] = [
    WadoRS(line),
    WadoURI(line),
    DICOMwebArchive(line, retrieve="wado-uri"),
    CGet(associations),
    CMove(associations, Receiver()),
    DIMSEArchive(peer, retrieve="move", receiver=Receiver()),
    Rad69(line),
    LegacyArchive(rad69=line),
    Ladder(WadoRS(line), CGet(peer), CMove(peer)),
    FolderArchive("."),
    MemoryArchive(),
    SimulatedArchive(),
]
archives: list[Archive] = [
    open_url("dicomweb+https://archive.example/dicom-web"),
    open_dimse("dimse://ARCHIVE@archive.example:104"),
    open_legacy("mint+https://archive.example/mint?rad69=/rad69"),
    FolderArchive("."),
    MemoryArchive(),
    SimulatedArchive(),
]
storages: list[Storage] = [
    FolderStorage("."),
    MemoryStorage(),
    ObjectStorage("s3://bucket/prefix", endpoint_url="https://s3.example"),
    TransformingStorage(FolderStorage("."), lambda dataset: dataset),
    storage_at("."),
]

signed = Transport(
    "https://archive.example/mint",
    auth=VitreaLogin("https://archive.example/login", "me", "secret"),
)
trolley = Trolley(QidoRS(line), WadoRS(line))
assert_type(QidoRS(line).find_studies(DICOMwebQuery(limit=3)), SearchResult)
assert_type(QidoRS(line).find_studies(Query()), SearchResult)
assert_type(Mint(line).find_studies(MintQuery(limit=3)), SearchResult)
assert_type(CFind(peer).find_studies(CFindQuery(limit=3)), SearchResult)
trolley.download([StudyReference("1.2")])

nobody = DICOMwebArchive(line, retrieve="wado")  # type: ignore[arg-type]  # ty: ignore[invalid-argument-type]
unknown = DIMSEArchive(peer, retrieve="wado-rs")  # type: ignore[arg-type]  # ty: ignore[invalid-argument-type]
