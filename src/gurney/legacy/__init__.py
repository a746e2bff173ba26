"""Protocols of yesterday that archives still speak: MINT to search, RAD-69 to fetch.

With the logins that such archives have, as ``auth`` of a `gurney.http.Transport` or of a
``requests.Session``.
"""

from __future__ import annotations

from .archive import LegacyArchive
from .logins import ImpaxLogin, SessionLogin, VitreaLogin
from .mint import Mint, MintQuery
from .opening import open_url
from .rad69 import Rad69

__all__ = [
    "ImpaxLogin",
    "LegacyArchive",
    "Mint",
    "MintQuery",
    "Rad69",
    "SessionLogin",
    "VitreaLogin",
    "open_url",
]
