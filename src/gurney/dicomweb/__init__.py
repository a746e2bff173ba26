"""DICOMweb: searching and fetching over HTTP (PS3.18)."""

from __future__ import annotations

from .archive import DICOMwebArchive
from .opening import open_url
from .qido import QidoRS
from .query import DICOMwebQuery
from .wado import WadoRS, WadoURI

__all__ = ["DICOMwebArchive", "DICOMwebQuery", "QidoRS", "WadoRS", "WadoURI", "open_url"]
