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

from .comparing import differences, fingerprint
from .features import StorageFeatures
from .orders import INSTANCES
from .seeds import conformance_files

__all__ = ["Contents", "StorageConformance"]

Contents: TypeAlias = Callable[[], Mapping[str, bytes]]
"""Returns all that is in the place that a storage fills, by `Outcome.path`: final names only."""

_FILES: Final = conformance_files()
_ONE, _TWO = INSTANCES[:2]
_ODD_UIDS: Final = ("..", "CON", "nul.1", "-rf", "1.2.3.", "A" * 300, "~", "1.2.DCM")

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
        outcome = storage.store(decode(_FILES[instance], str(instance)))

        assert (OutcomeStatus.STORED, instance) == (outcome.status, outcome.reference)
        assert [] == _differences(_FILES[instance], contents()[outcome.path])

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

        assert (OutcomeStatus.REFUSED, _ONE) == (outcome.status, outcome.reference)
        assert before.items() <= contents().items()
        assert {outcome.path} >= contents().keys() - before.keys()

    @pytest.mark.parametrize("end", [0, 3, 140, -10, -1])
    def test_leaves_nothing_of_a_cut_file(
        self, storage: Storage, contents: Contents, end: int
    ) -> None:
        """Of a file that ends too early nothing stays; whole, it can still be stored."""
        outcome = storage.store(DICOMFile(iter([_FILES[_ONE][:end]]), _ONE))

        _assert_not_kept(outcome, _ONE)
        assert {} == contents()
        assert storage.find(_ONE) is None
        assert OutcomeStatus.STORED is storage.store(_file(_ONE)).status

    def test_leaves_nothing_of_a_failed_file(self, storage: Storage, contents: Contents) -> None:
        """Of a file that cannot be had to its end nothing stays."""

        def chunks() -> Iterator[bytes]:
            yield _FILES[_ONE][:700]
            raise DownloadError(str(_ONE), "the line is dead")

        outcome = storage.store(DICOMFile(chunks(), _ONE))

        _assert_not_kept(outcome, _ONE)
        assert {} == contents()

    def test_leaves_nothing_when_interrupted(self, storage: Storage, contents: Contents) -> None:
        """Of a file that somebody does not wait for nothing stays."""

        def chunks() -> Iterator[bytes]:
            yield _FILES[_ONE][:700]
            raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            storage.store(DICOMFile(chunks(), _ONE))

        assert {} == contents()
        assert storage.find(_ONE) is None

    @pytest.mark.parametrize("asked", [_ONE, None], ids=str)
    def test_does_not_keep_what_is_no_dicom(
        self, storage: Storage, contents: Contents, asked: InstanceReference | None
    ) -> None:
        """Something else than DICOM is told from a file, also if nobody says what it should be."""
        outcome = storage.store(DICOMFile(iter([b"<html>not found</html>"]), asked))

        _assert_not_kept(outcome, asked)
        assert {} == contents()

    def test_does_not_keep_a_nameless_data_set(self, storage: Storage, contents: Contents) -> None:
        """A data set without UIDs has no place; that is an outcome, and no error."""
        outcome = storage.store(Dataset())

        _assert_not_kept(outcome, None)
        assert {} == contents()

    def test_does_not_keep_another_instance(self, storage: Storage, contents: Contents) -> None:
        """Bytes of another instance than was asked for are not kept, under neither name."""
        outcome = storage.store(DICOMFile(iter([_FILES[_TWO]]), _ONE))

        _assert_not_kept(outcome, _ONE)
        assert {} == contents()
        assert storage.find(_ONE) is None

    @pytest.mark.filterwarnings("ignore::UserWarning:pydicom")  # of the odd UIDs
    @pytest.mark.parametrize("uid", _ODD_UIDS)
    def test_odd_uids_stay_inside(self, storage: Storage, contents: Contents, uid: str) -> None:
        """An instance whose UID means something in a path is in its place, or nowhere."""
        dataset = decode(_FILES[_ONE], str(_ONE))
        for data, keyword in (
            (dataset, "SOPInstanceUID"),
            (dataset, "SeriesInstanceUID"),
            (dataset.file_meta, "MediaStorageSOPInstanceUID"),
        ):
            put(data, keyword, [uid])
        outcome = storage.store(DICOMFile(iter([encode(dataset)])))

        assert ([outcome.path] if outcome.good else []) == list(contents())
        assert outcome.good or outcome.reason

    @pytest.mark.parametrize("same", [True, False], ids=["same", "other"])
    def test_one_of_two_at_once_wins(
        self, storage: Storage, contents: Contents, same: bool
    ) -> None:
        """Of two that come at the same time one is stored whole, and stays."""
        if not self.features.concurrent:
            return
        first = _FILES[_ONE]
        outcomes: list[Outcome] = []

        def chunks() -> Iterator[bytes]:
            yield first[:700]
            outcomes.append(storage.store(_file(_ONE) if same else _other(_ONE)))
            yield first[700:]

        outcomes.append(storage.store(DICOMFile(chunks(), _ONE)))
        stored, late = outcomes

        assert OutcomeStatus.STORED is stored.status
        assert (OutcomeStatus.ALREADY_THERE if same else OutcomeStatus.REFUSED) is late.status
        assert first == contents()[stored.path] or not same
        assert {stored.path, late.path} >= contents().keys()

    def _assert_is(self, instance: InstanceReference, content: bytes) -> None:
        if self.features.keeps_bytes:
            assert fingerprint(_FILES[instance]) == fingerprint(content)
        else:
            assert [] == _differences(_FILES[instance], content)


def _file(instance: InstanceReference) -> DICOMFile:
    """As it comes from an archive: in small pieces."""
    content = _FILES[instance]
    step = max(100, len(content) // 100)
    pieces = (content[start : start + step] for start in range(0, len(content), step))
    return DICOMFile(pieces, instance, protocol="kit", size=len(content))


def _other(instance: InstanceReference) -> DICOMFile:
    """Another file with the UIDs of *instance*."""
    dataset = decode(_FILES[instance], str(instance))
    put(dataset, "ContentDate", ["20240229"])
    return DICOMFile(iter([encode(dataset)]), instance)


def _differences(expected: bytes, found: bytes) -> list[str]:
    return differences(decode(expected, "what was given"), decode(found, "what is there"))


def _assert_not_kept(outcome: Outcome, asked: InstanceReference | None) -> None:
    assert not outcome.good
    assert outcome.reason
    assert asked == outcome.reference
