"""A storage that takes no room: what it is given is read and hashed, and gone."""

from __future__ import annotations

from hashlib import sha256

from pydicom.dataset import Dataset

from gurney.core import DICOMFile, InstanceReference, Outcome, OutcomeStatus, Storage


class NullStorage(Storage):
    """Says of everything that it is stored, as a folder would, and finds nothing afterwards."""

    def store(self, item: DICOMFile | Dataset, /) -> Outcome:
        if isinstance(item, Dataset):
            raise TypeError("files only")
        content = item.read()
        return Outcome(
            reference=item.reference,
            status=OutcomeStatus.STORED,
            path=f"{item.reference}.dcm",
            size=len(content),
            checksum=f"sha256:{sha256(content).hexdigest()}",
            transfer_syntax="1.2.840.10008.1.2.1",
            protocol=item.protocol,
        )

    def find(self, _reference: InstanceReference, /) -> Outcome | None:
        return None

    def holds(self, _outcome: Outcome, /) -> bool:
        return True
