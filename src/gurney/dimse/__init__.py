"""DIMSE: searching and fetching over associations (PS3.7, PS3.8)."""

from __future__ import annotations

from .archive import DIMSEArchive
from .association import Associations, echo
from .find import CFind, CFindQuery
from .get import CGet
from .move import CMove, Receiver
from .opening import open_url
from .settings import TLS, Peer, Retries, Timeouts, UserIdentity

__all__ = [
    "Associations",
    "CFind",
    "CFindQuery",
    "CGet",
    "CMove",
    "DIMSEArchive",
    "Peer",
    "Receiver",
    "Retries",
    "TLS",
    "Timeouts",
    "UserIdentity",
    "echo",
    "open_url",
]
