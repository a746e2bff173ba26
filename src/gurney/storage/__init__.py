"""Where instances go: folders on disk, and object stores."""

from __future__ import annotations

from .at import storage_at
from .folder import FolderStorage
from .layout import DEFAULT_LAYOUT, FLAT, Layout
from .objects import ObjectStorage
from .receipts import keep_receipt, receipts_in, write_new
from .transforming import Transform, TransformingStorage
from .verification import Verification, verify

__all__ = [
    "DEFAULT_LAYOUT",
    "FLAT",
    "FolderStorage",
    "Layout",
    "ObjectStorage",
    "Transform",
    "TransformingStorage",
    "Verification",
    "keep_receipt",
    "receipts_in",
    "storage_at",
    "verify",
    "write_new",
]
