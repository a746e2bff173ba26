"""Names in a folder of instances that are never those of an instance."""

from __future__ import annotations

from typing import Final

__all__ = ["TRANSFER_FOLDER"]

TRANSFER_FOLDER: Final = "gurney-transfer"
"""The folder, directly in that which instances go into, of what a transfer remembers."""
