r"""A DIMSE archive on loopback that misbehaves on request, for those who test clients.

`DIMSEServer` behaves well: C-ECHO, C-FIND, C-GET and C-MOVE with study root and patient root, over
any data sets, or as a face of any archive that is a searcher and a downloader. Faults are switched
on by the ids of `FAULTS`, of which each is a way in which some archive has been seen to
misbehave::

    with DIMSEServer(example_datasets(), faults=["D03"], cap=2) as server:
        found = my_client(server.port).find_studies()
        assert not found.complete
        assert "STUDY" == server.requests[0].level

    with DIMSEServer(FolderArchive("folder/of/files")) as server:
        print(server.url)

For clients in other languages it is a program. Its first line on standard output is the URL::

    python -m gurney.testing.dimse --list
    python -m gurney.testing.dimse --fault D30 --times 1 --port 11112 folder/of/files

A fault of your own is a `Fault` that overrides one or more stages of an answer. What each stage
gets is what the archive would have done, or what the faults before it have made of that:

============ ================================================ ==========================
Stage        What it may alter                                Value
============ ================================================ ==========================
negotiated   what is agreed on when an association is asked   `Agreement` or `Rejection`
refusal      whether the request is answered at all           `Done` or `None`
understood   what the request is taken for                    `Asked`
found        which objects a search finds                     data sets
described    what is said of them                             data sets
lettered     the character set that is written in             `Letters`
chosen       which instances are sent                         `Stored`\ s
planned      what is done, one step after another             `Plan` of `Step`\ s
============ ================================================ ==========================

It needs ``gurney[testing]``. It listens on 127.0.0.1 only, and is no archive for patients' data.
Of pynetdicom only codecs are used: its switches and loggers stay as they are.

Examples
--------
>>> class Shy(Fault):
...     '''Shows no more than one result.'''
...
...     def found(self, exchange, items):
...         return items[:1]
>>> from pydicom.dataset import Dataset
>>> from pynetdicom import AE
>>> from gurney.testing import example_datasets
>>> find, query = "1.2.840.10008.5.1.4.1.2.2.1", Dataset()
>>> query.QueryRetrieveLevel, query.StudyDate = "STUDY", ""
>>> ae = AE()
>>> ae.add_requested_context(find)
>>> with DIMSEServer(example_datasets(), [Shy()]) as server:
...     association = ae.associate("127.0.0.1", server.port, ae_title=server.ae_title)
...     for status, result in association.send_c_find(query, find):
...         print(f"{status.Status:04X}", result.StudyDate if result else "none")
...     association.release()
FF00 20240115
0000 none
"""

from __future__ import annotations

from .archives import Archive, SearcherAndDownloader, Served
from .asked import Asked, Association, Level, Model, Service
from .commands import Status
from .fault import Exchange, Fault, Settings
from .faults import FAULTS
from .letters import Letters
from .many import many_classes
from .negotiation import Agreed, Agreement, Identity, Proposal, Proposed, Rejection, Roles
from .server import DIMSEServer
from .steps import (
    Counts,
    Done,
    End,
    Ending,
    Pending,
    Plan,
    Progress,
    Raw,
    Silence,
    Step,
    Store,
)
from .stored import Opened, Stored

__all__ = [
    "Agreed",
    "Agreement",
    "Archive",
    "Asked",
    "Association",
    "Counts",
    "DIMSEServer",
    "Done",
    "End",
    "Ending",
    "Exchange",
    "FAULTS",
    "Fault",
    "Identity",
    "Letters",
    "Level",
    "Model",
    "Opened",
    "Pending",
    "Plan",
    "Progress",
    "Proposal",
    "Proposed",
    "Raw",
    "Rejection",
    "Roles",
    "SearcherAndDownloader",
    "Served",
    "Service",
    "Settings",
    "Silence",
    "Status",
    "Step",
    "Store",
    "Stored",
    "many_classes",
]
