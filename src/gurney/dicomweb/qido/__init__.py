"""QIDO-RS: searching over HTTP (PS3.18 10.6)."""

from __future__ import annotations

from .searcher import QidoRS

__all__ = ["QidoRS"]
