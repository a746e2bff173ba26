"""What every storage has to do: the conformance tests of `gurney.core.Storage`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import ClassVar, Final, TypeAlias

import attrs
import pytest
from pydicom.dataset import Dataset

from gurney.core import (
    DICOMFile,
    DownloadError,
    InstanceReference,
    Outcome,
    OutcomeStatus,
    Storage,
    decode,
    encode,
    put,
    walk,
)

from .comparing import differences, reference_of
from .features import StorageFeatures
from .orders import INSTANCES
from .seeds import conformance_files

__all__ = ["Contents", "StorageConformance"]

Contents: TypeAlias = Callable[[], Mapping[str, bytes]]
"""Returns all that is in the place that a storage fills, by `Outcome.path`: final names only."""

_FILES: Final = conformance_files()
_ONE, _TWO = INSTANCES[:2]
_ODD_UIDS: Final = ("..", ".", "CON", "nul.1", "-rf", "1.2.3.", "A" * 300, "ü", "~", "1.2.DCM")

_every_instance = pytest.mark.parametrize("instance", INSTANCES, ids=str)


class StorageConformance:
    """Subclass as ``TestMyStorage``, override both fixtures, declare `features`."""

    features: ClassVar[StorageFeatures] = StorageFeatures()

    @pytest.fixture
    def storage(self) -> Storage:
        """Override: a storage that holds nothing yet."""
        raise NotImplementedError("override the fixture 'storage' in your subclass")

    @pytest.fixture
    def contents(self, storage: Storage) -> Contents:
        """Override: a function that looks into the place behind the back of the storage."""
        raise NotImplementedError("override the fixture 'contents' in your subclass")

    @_every_instance
    def test_stores_a_file(
        self, storage: Storage, contents: Contents, instance: InstanceReference
    ) -> None:
        """A whole file is there afterwards, at the path that the outcome tells."""
        outcome = storage.store(_file(instance))

        assert (OutcomeStatus.STORED, instance) == (outcome.status, outcome.reference)
        assert [outcome.path] == list(contents())
        self._assert_is(instance, contents()[outcome.path])

    def test_outcome_tells_how_it_came(self, storage: Storage) -> None:
        """Protocol, retries, size and transfer syntax of what arrived are in the outcome."""
        file = attrs.evolve(_file(_ONE), protocol="carrier pigeon", retries=2)
        outcome = storage.store(file)

        assert ("carrier pigeon", 2) == (outcome.protocol, outcome.retries)
        assert len(_FILES[_ONE]) == outcome.size or not self.features.keeps_bytes
        assert walk([_FILES[_ONE]]).transfer_syntax == outcome.transfer_syntax

    @_every_instance
    def test_stores_a_data_set(
        self, storage: Storage, contents: Contents, instance: InstanceReference
    ) -> None:
        """A data set is stored as a file of the same content."""
        dataset = decode(_FILES[instance], str(instance))
        outcome = storage.store(dataset)
        stored = contents()[outcome.path]

        assert (OutcomeStatus.STORED, instance) == (outcome.status, outcome.reference)
        assert [] == differences(dataset, decode(stored, str(instance)))

    def test_stores_what_nobody_named(self, storage: Storage, contents: Contents) -> None:
        """A file whose sender does not say what it is, says so itself."""
        outcome = storage.store(attrs.evolve(_file(_ONE), reference=None))

        assert (OutcomeStatus.STORED, _ONE) == (outcome.status, outcome.reference)
        assert [outcome.path] == list(contents())

    def test_finds_what_is_there(self, storage: Storage) -> None:
        """`find` tells what is there, as `store` told it, and nothing else."""
        stored = storage.store(_file(_ONE))
        found = storage.find(_ONE)

        assert found is not None
        assert (OutcomeStatus.ALREADY_THERE, _ONE) == (found.status, found.reference)
        assert (stored.path, stored.size) == (found.path, found.size)
        assert storage.find(_TWO) is None

    def test_finds_nothing_in_an_empty_place(self, storage: Storage, contents: Contents) -> None:
        """To look for something makes nothing."""
        assert storage.find(_ONE) is None
        assert {} == contents()

    def test_stores_once(self, storage: Storage, contents: Contents) -> None:
        """What comes again is already there, and stays as it is."""
        first = storage.store(_file(_ONE))
        before = contents()
        again = storage.store(_file(_ONE))

        assert (OutcomeStatus.ALREADY_THERE, _ONE) == (again.status, again.reference)
        assert first.path == again.path
        assert before == contents()

    def test_keeps_all(self, storage: Storage, contents: Contents) -> None:
        """Each of many instances has a place of its own."""
        outcomes = [storage.store(_file(instance)) for instance in INSTANCES]

        assert sorted(outcome.path for outcome in outcomes) == sorted(contents())
        for outcome, instance in zip(outcomes, INSTANCES, strict=True):
            self._assert_is(instance, contents()[outcome.path])

    def test_never_overwrites(self, storage: Storage, contents: Contents) -> None:
        """Other content under the same UIDs is refused; what was there stays as it was."""
        storage.store(_file(_ONE))
        before = contents()
        outcome = storage.store(_other(_ONE))

        _assert_refused(outcome, _ONE)
        assert before.items() <= contents().items()
        assert {outcome.path} >= contents().keys() - before.keys()

    @pytest.mark.parametrize("end", [0, 3, 140, 0.5, -1])
    def test_leaves_nothing_of_a_cut_file(
        self, storage: Storage, contents: Contents, end: float
    ) -> None:
        """Of a file that ends too early nothing is left; whole, it can still be stored."""
        ...
