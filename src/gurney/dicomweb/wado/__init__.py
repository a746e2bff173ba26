"""WADO-RS and WADO-URI: instances over HTTP (PS3.18 10.4 and chapter 9)."""

from __future__ import annotations

from ...fetching import WadoURI
from .wado_rs import WadoRS

__all__ = ["WadoRS", "WadoURI"]
