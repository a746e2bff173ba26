r"""An archive with MINT and RAD-69 on loopback that misbehaves on request, to test clients.

`LegacyServer` behaves well, over any data sets. Faults are switched on by the ids of `FAULTS`, of
which each is a way in which such archives misbehave::

    with LegacyServer(example_datasets(), faults=["X02"]) as server:
        receipt = my_client(server.mint, server.rad69).download(everything)
        assert not receipt.complete

For clients in other languages it is a program. Its first lines on standard output are the URLs::

    python -m gurney.testing.legacy --list
    python -m gurney.testing.legacy --fault X03 --port 8080 folder/of/files

A fault of your own is a `Fault` that overrides one or more stages of an answer. What each stage
gets is what the archive would have done, or what the faults before it have made of that:

============ ================================================ =====================
Stage        What it may alter                                Value
============ ================================================ =====================
understood   what the request is taken for                    `Asked`
found        which objects MINT finds                         `Found`
described    what MINT says of them                           XML
delivered    what RAD-69 sends, and says of that              `Delivery`
replied      status, headers, body, and how the body ends     `Reply`
============ ================================================ =====================

It needs ``gurney[testing]`` and defusedxml. It listens on 127.0.0.1 only, keeps all data in memory,
and is no archive for patients' data.
"""

from __future__ import annotations

from ..dicomweb.reply import Framing, Reply
from ..holdings import Held, Holdings
from .asked import Asked, DocumentRequest, Service
from .fault import Delivery, Exchange, Fault, Found, Problem, Sent, Settings
from .faults import FAULTS
from .server import LegacyServer

__all__ = [
    "Asked",
    "Delivery",
    "DocumentRequest",
    "Exchange",
    "FAULTS",
    "Fault",
    "Found",
    "Framing",
    "Held",
    "Holdings",
    "LegacyServer",
    "Problem",
    "Reply",
    "Sent",
    "Service",
    "Settings",
]
