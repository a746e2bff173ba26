"""WADO-RS and WADO-URI: instances over HTTP (PS3.18 10.4 and chapter 9)."""

from __future__ import annotations

from .wado_rs import WadoRS
from .wado_uri import WadoURI

__all__ = ["WadoRS", "WadoURI"]
