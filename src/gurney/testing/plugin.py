"""What pytest loads at its start: the asserts of the conformance kit are to be readable."""

from __future__ import annotations

from typing import Final

import pytest

__all__ = ["KIT"]

KIT: Final = ("searchers", "downloaders", "storages")
"""The modules whose asserts pytest rewrites; they are imported when a test asks for them."""

pytest.register_assert_rewrite(*(f"gurney.testing.{module}" for module in KIT))
