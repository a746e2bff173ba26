"""What pytest loads at its start: the asserts of the conformance kit are to be readable."""

from __future__ import annotations

import sys
from typing import Final

import pytest

__all__ = ["KIT"]

KIT: Final = tuple(
    f"gurney.testing.{module}" for module in ("searchers", "downloaders", "storages")
)
"""The modules whose asserts pytest rewrites when they are imported; those that are, stay."""

pytest.register_assert_rewrite(*(module for module in KIT if module not in sys.modules))
