"""DICOMweb: searching and fetching over HTTP (PS3.18)."""

from __future__ import annotations

__all__: list[str] = []
