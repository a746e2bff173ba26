"""The conformance kit can fail: each fault is told by the tests that are about it."""

from __future__ import annotations

from pathlib import Path

import pytest

BROKEN = Path(__file__).with_name("broken.py")


def test_each_fault_is_caught(pytester: pytest.Pytester) -> None:
    """With one fault, those tests fail that are about it, and no others."""
    path = pytester.path / "test_broken.py"
    path.write_text(BROKEN.read_text("utf-8"), "utf-8")
    recorded = pytester.inline_run(path, "-p", "no:cacheprovider", "--tb=no", "-q")
    items = {call.item.nodeid: call.item for call in recorded.getcalls("pytest_itemcollected")}
    expected = {(item.cls.__name__, name) for item in items.values() for name in item.cls.caught_by}
    failed = {
        (items[report.nodeid].cls.__name__, items[report.nodeid].originalname)
        for report in recorded.getreports("pytest_runtest_logreport")
        if report.failed
    }

    assert len(items) > 1000
    assert set() == expected - failed, "faults that nobody noticed"
    assert set() == failed - expected, "tests that fail for another reason"
