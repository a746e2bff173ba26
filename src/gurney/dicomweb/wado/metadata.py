"""Data sets without their bulk data: the metadata of studies, series and instances."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import attrs
from pydicom.dataset import Dataset

from ...core import (
    AuthenticationError,
    DICOMDownloadable,
    DICOMObjectReference,
    GurneyError,
    IncompleteDownloadError,
    InstanceReference,
    is_uid,
)
from ...http import Transport
from ...retrieving import Wanted, finer, plan
from ..dicomjson import JSONItem, parse
from .paths import path_of

__all__ = ["Metadata"]

_KEYWORDS = ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID")


@attrs.frozen
class Metadata:
    """Asks one archive for metadata."""

    transport: Transport

    def datasets(self, objects: Iterable[DICOMDownloadable]) -> Iterator[Dataset]:
        """Yield a data set for each instance in *objects*; see `WadoRS.metadata`."""
        came: set[InstanceReference] = set()
        missing: dict[str, str] = {}
        for wanted in plan(objects):
            yield from self._of(wanted, came, missing)
        if missing:
            raise IncompleteDownloadError(missing)

    def references(self, reference: DICOMObjectReference) -> list[InstanceReference]:
        """Return the instances that the archive lists of a study or series."""
        return [found for found, _ in self._items(reference)]

    def _of(
        self, wanted: Wanted, came: set[InstanceReference], missing: dict[str, str]
    ) -> Iterator[Dataset]:
        """Yield what has not come before; ask for what is missing in smaller questions."""
        reason, count = "the archive's metadata do not hold it", 0
        try:
            for reference, item in self._items(wanted.reference):
                count += 1
                if reference not in came:
                    came.add(reference)
                    yield item.dataset()
        except AuthenticationError:
            raise
        except GurneyError as error:
            reason = str(error)
            if wanted.expected is None:
                missing[str(wanted.reference)] = reason
                return
        if wanted.expected is None:
            if not count:
                missing[str(wanted.reference)] = reason
            return
        lost = [ref for ref in wanted.expected.values() if ref not in came]
        if wanted.one:
            missing.update((str(ref), reason) for ref in lost)
            return
        for question in finer(wanted, lost, again=False, reason=reason):
            yield from self._of(question, came, missing)

    def _items(
        self, reference: DICOMObjectReference
    ) -> Iterator[tuple[InstanceReference, JSONItem]]:
        """Yield what the archive says of each instance in *reference*, and of no other."""
        path = f"{path_of(reference)}/metadata"
        with self.transport.get(path, headers={"Accept": "application/dicom+json"}) as answer:
            content = answer.read()
        for item in parse(content, asked=answer.asked):
            uids = tuple(map(item.text, _KEYWORDS))
            if all(map(is_uid, uids)) and uids[: len(reference.uids)] == reference.uids:
                yield InstanceReference(*uids), item
