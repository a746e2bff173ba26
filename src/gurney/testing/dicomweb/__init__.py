r"""A DICOMweb archive on loopback that misbehaves on request, for those who test clients.

`DICOMwebServer` behaves well: QIDO-RS in all its forms, WADO-RS with metadata and bulk data, and
WADO-URI, over any data sets. Faults are switched on by the ids of `FAULTS`, of which each is a way
in which some archive has been seen to misbehave::

    with DICOMwebServer(example_datasets(), faults=["Q08"], page=5) as server:
        found = my_client(server.url).find_studies()
        assert not found.complete
        assert "limit" in server.requests[0].query

For clients in other languages it is a program. Its first line on standard output is the URL::

    python -m gurney.testing.dicomweb --list
    python -m gurney.testing.dicomweb --fault W01 --times 1 --port 8042 folder/of/files

A fault of your own is a `Fault` that overrides one or more stages of an answer. What each stage
gets is what the archive would have done, or what the faults before it have made of that:

============ ================================================ =====================
Stage        What it may alter                                Value
============ ================================================ =====================
refusal      whether the request is answered at all           `Reply` or `None`
understood   what the request is taken for                    `Asked`
paged        which of the results of a search are sent        `Page`
described    what is said of them, or of instances            `JSONObject`\ s
chosen       which instances are sent                         `Held`\ s
written      their Part 10 files                              bytes
enveloped    the multipart body they are put into             `Envelope`
replied      status, headers, body, and how the body ends     `Reply`
============ ================================================ =====================

It needs ``gurney[testing]``. It listens on 127.0.0.1 only, keeps all data in memory, and is no
archive for patients' data.

Examples
--------
>>> class Shy(Fault):
...     '''Shows no more than one result.'''
...
...     def paged(self, exchange, page):
...         return Page(page.found[:1], 0, 1)
>>> import json
>>> from urllib.request import urlopen
>>> from gurney.testing import example_datasets
>>> with DICOMwebServer(example_datasets(), [Shy()]) as server:
...     with urlopen(f"{server.url}/studies") as answer:
...         print(len(json.load(answer)), answer.headers["Warning"])
1 None
"""

from __future__ import annotations

from ..holdings import Held, Holdings
from .asked import Asked, Service
from .envelope import Envelope
from .fault import Exchange, Fault, JSONObject, Page, Settings
from .faults import FAULTS
from .reply import Framing, Reply
from .server import DICOMwebServer

__all__ = [
    "Asked",
    "DICOMwebServer",
    "Envelope",
    "Exchange",
    "FAULTS",
    "Fault",
    "Framing",
    "Held",
    "Holdings",
    "JSONObject",
    "Page",
    "Reply",
    "Service",
    "Settings",
]
