"""Every quirk has its test, which bears its id."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from gurney.testing.legacy import FAULTS

_HERE = Path(__file__).parent
_MODULES = ("test_legacy_search.py", "test_legacy_retrieve.py")


@pytest.mark.parametrize("quirk", FAULTS)
def test_quirk_has_a_test(quirk: str) -> None:
    """So that nobody has to look for it, or believes that it is there."""
    source = "".join((_HERE / module).read_text("utf-8") for module in _MODULES)
    names = re.findall(r"^def (test_\w+)", source, re.MULTILINE)

    assert [name for name in names if quirk.lower() in name.split("_")]
