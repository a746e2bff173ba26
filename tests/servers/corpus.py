"""The corpus of real files inside a real server: what it takes, and what it then holds."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import Final

import attrs

from gurney.core import InstanceReference

from .orthanc import Orthanc

__all__ = ["LEFT_OUT", "Loaded", "load", "reference"]

Rows = dict[str, dict[str, str]]

LEFT_OUT: Final = (
    "nested-sequence-",  # P02: from 60 levels on they crash Orthanc
    # Refused, but first Orthanc makes room for what they declare: gigabytes, and seconds
    "3gb-bulk-data-truncated",
    "SC_rgb_jpeg.dcm",
    "declares-explicit-is-implicit",
    "pixeldata-length-4g",
    "short-string-marked-SQ",
    # Taken, but the manifest does not say which instance it is
    "GH177_D_CLUNIE_CT1_IVRLE_BigEndian_undefined_length",
    "zip-of-dicom",
    # Their UIDs are of unknown VR, and padded: two instances by one name, of which none is given
    "rtdose_rle",
)


@attrs.frozen(slots=False)
class Loaded:
    """A server, and what became of the corpus there.

    Attributes
    ----------
    server
        It holds what it took, and nothing else.
    manifest
        Rows of MANIFEST.csv, by path.
    statuses
        What the server answered, by path.
    """

    server: Orthanc
    manifest: Rows
    statuses: dict[str, str]

    @property
    def refused(self) -> set[str]:
        """Paths of the files that the server did not take."""
        return {path for path, status in self.statuses.items() if status.startswith("refused")}

    def is_placed(self, path: str) -> bool:
        """Say whether the file at *path* has all of its UIDs."""
        row = self.manifest[path]
        return bool(row["study_uid"] and row["series_uid"] and row["sop_uid"])

    @cached_property
    def held(self) -> dict[InstanceReference, str]:
        """SHA-256 of the file that the server keeps of each instance: of the first that came."""
        return {
            reference(self.manifest[path]): self.manifest[path]["sha256"]
            for path, status in self.statuses.items()
            if status == "Success"
        }


def load(corpus: Path, server: Orthanc) -> Loaded:
    """Give the corpus to *server*, file by file and in order: the first of two copies stays."""
    manifest = _table(corpus / "MANIFEST.csv")
    statuses = {path: server.take((corpus / path).read_bytes()) for path in _chosen(manifest)}
    return Loaded(server, manifest, statuses)


def reference(row: dict[str, str]) -> InstanceReference:
    """Return what a row of the manifest is about."""
    return InstanceReference(row["study_uid"], row["series_uid"], row["sop_uid"])


def _chosen(manifest: Rows) -> Iterator[str]:
    for path in sorted(manifest):
        if not Path(path).name.startswith(LEFT_OUT):
            yield path


def _table(path: Path) -> Rows:
    with path.open(newline="", encoding="utf-8") as file:
        lines = (line.replace("\0", "") for line in file)  # csv of Python 3.10 takes none
        return {row["path"]: row for row in csv.DictReader(lines)}
