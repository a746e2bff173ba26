"""The conformance kit can fail: each fault is told by the tests that are about it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

BROKEN = Path(__file__).with_name("broken.py")
EVERY = 11  # a prime, so that all levels have their turn


class Watch:
    """Sees which tests fail. What is not about the fault is run with some of its parameters."""

    def __init__(self) -> None:
        self.expected: set[str] = set()
        self.failed: set[str] = set()
        self.passed: int = 0

    def pytest_collection_modifyitems(self, items: list[pytest.Function]) -> None:
        for cls in set[Any](item.cls for item in items):
            self.expected.update(f"{cls.__name__}::{test}" for test in cls.caught_by)
        about = [item for item in items if name_of(item.nodeid) in self.expected]
        others = [item for item in items if name_of(item.nodeid) not in self.expected]
        items[:] = about + others[::EVERY]

    def pytest_runtest_setup(self, item: pytest.Function) -> None:
        if name_of(item.nodeid) in self.failed:
            pytest.skip("has failed before")

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self.passed += report.passed and report.when == "call"
        if report.failed:
            self.failed.add(name_of(report.nodeid))


def name_of(node_id: str) -> str:
    """Return the class and the test, without parameters."""
    return node_id.partition("::")[2].partition("[")[0]


def test_each_fault_is_caught(pytester: pytest.Pytester) -> None:
    """With one fault those tests fail that are about it, and no others."""
    path = pytester.path / "test_broken.py"
    path.write_text(BROKEN.read_text("utf-8"), "utf-8")
    watch = Watch()
    pytester.runpytest_inprocess(path, "-q", "--tb=no", "-p", "no:cacheprovider", plugins=[watch])

    assert watch.passed > 1000
    assert [] == sorted(watch.expected - watch.failed), "faults that nobody noticed"
    assert [] == sorted(watch.failed - watch.expected), "tests that fail for another reason"
