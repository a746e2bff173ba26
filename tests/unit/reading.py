"""How tests read files that may raise."""

from __future__ import annotations

from collections.abc import Iterable

from gurney.core import DICOMFile, DICOMObjectReference, DownloadError


def outcome(files: Iterable[DICOMFile]) -> tuple[list[DICOMObjectReference | None], list[str]]:
    """Return which files came whole, in order, and the reasons of those that did not."""
    whole: list[DICOMObjectReference | None] = []
    failed: list[str] = []
    for file in files:
        try:
            file.read()
        except DownloadError as error:  # noqa: PERF203  each file on its own
            failed.append(error.reason)
        else:
            whole.append(file.reference)
    return whole, failed
