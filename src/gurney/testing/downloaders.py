"""What every downloader has to do: the conformance tests of `Downloader` and `FileDownloader`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import ClassVar, Final, TypeVar

import pytest
from pydicom.dataset import Dataset

from gurney.core import (
    DICOMDownloadable,
    DICOMObjectLevels,
    DICOMObjectReference,
    Downloader,
    DownloadError,
    FileDownloader,
    InstanceReference,
    NonInstanceParameterError,
    NonSeriesParameterError,
    NoReferencesFoundError,
    decode,
    walk,
)

from .comparing import differences, fingerprint, reference_of
from .features import DownloaderFeatures
from .orders import INSTANCES, ORDERS, STRANGERS, Order
from .seeds import conformance_files

__all__ = ["DownloaderConformance", "FileDownloaderConformance"]

_FILES: Final = conformance_files()
_REFUSALS: Final[dict[DICOMObjectLevels, type[NoReferencesFoundError]]] = {
    DICOMObjectLevels.SERIES: NonSeriesParameterError,
    DICOMObjectLevels.INSTANCE: NonInstanceParameterError,
}

T = TypeVar("T")

_every_order = pytest.mark.parametrize("order", ORDERS, ids=str)
_every_instance = pytest.mark.parametrize("instance", INSTANCES, ids=str)
_every_stranger = pytest.mark.parametrize("stranger", STRANGERS, ids=str)


class DownloaderConformance:
    """Subclass as ``TestMyDownloader``, override the fixture `downloader`, declare `features`."""

    features: ClassVar[DownloaderFeatures] = DownloaderFeatures()

    @pytest.fixture
    def downloader(self) -> Downloader:
        """Override: a downloader from an archive that holds `conformance_datasets`, no more."""
        raise NotImplementedError("override the fixture 'downloader' in your subclass")

    @_every_order
    def test_delivers_each_instance_once(self, downloader: Downloader, order: Order) -> None:
        """Whatever is asked for comes, each once; or is refused before the first item."""
        if self._is_refused(downloader.datasets, order.objects, order.level):
            return
        delivered = downloader.datasets(order.objects)

        assert order.instances == sorted(str(reference_of(dataset)) for dataset in delivered)

    def test_takes_a_generator(self, downloader: Downloader) -> None:
        """Objects may come from a generator, which can be read only once."""
        delivered = downloader.datasets(reference for reference in INSTANCES)

        assert sorted(INSTANCES) == sorted(map(reference_of, delivered))

    def test_can_be_given_up(self, downloader: Downloader) -> None:
        """A download is an iterator; one that is given up does not disturb the next."""
        given_up = downloader.datasets(INSTANCES)
        next(given_up)
        delivered = downloader.datasets(INSTANCES)

        assert iter(delivered) is delivered
        assert sorted(INSTANCES) == sorted(map(reference_of, delivered))

    @_every_instance
    def test_gets_the_data_set(self, downloader: Downloader, instance: InstanceReference) -> None:
        """`get_dataset` returns one instance, as the archive holds it."""
        dataset = downloader.get_dataset(instance)

        assert [] == differences(decode(_FILES[instance], str(instance)), dataset)

    @_every_stranger
    def test_unknown_is_an_error(
        self, downloader: Downloader, stranger: DICOMObjectReference
    ) -> None:
        """What the archive does not hold is an error that names it, never nothing in silence."""
        if self._is_refused(downloader.datasets, [stranger], stranger.level):
            return
        with pytest.raises(DownloadError) as caught:
            list(downloader.datasets([stranger]))

        assert str(stranger) == caught.value.subject

    def test_does_not_get_what_is_unknown(self, downloader: Downloader) -> None:
        """`get_dataset` says so if there is no such instance."""
        for stranger in STRANGERS:
            if isinstance(stranger, InstanceReference):
                with pytest.raises(DownloadError):
                    downloader.get_dataset(stranger)

    def test_others_can_be_had(self, downloader: Downloader) -> None:
        """An instance that cannot be had costs no other: ask for what is left, and it comes."""
        order = [INSTANCES[0], STRANGERS[0], INSTANCES[1]]
        came: list[Dataset] = []
        with pytest.raises(DownloadError) as caught:
            _drain(downloader.datasets(order), came)
        done = {caught.value.subject, *(str(reference_of(dataset)) for dataset in came)}
        _drain(downloader.datasets(ref for ref in order if str(ref) not in done), came)

        assert [INSTANCES[0], INSTANCES[1]] == sorted(map(reference_of, came))

    def _is_refused(
        self,
        download: Callable[[Iterable[DICOMDownloadable]], Iterator[object]],
        objects: Iterable[DICOMDownloadable],
        level: DICOMObjectLevels,
    ) -> bool:
        """Say whether *level* is too high; it must be refused then, before anything comes."""
        if level <= self.features.max_level:
            return False
        came: list[object] = []
        with pytest.raises(_REFUSALS[self.features.max_level]):
            _drain(download(objects), came)

        assert [] == came
        return True


class FileDownloaderConformance(DownloaderConformance):
    """As `DownloaderConformance`, for a downloader that has `files` too."""

    @pytest.fixture
    def downloader(self) -> FileDownloader:
        """Override: a downloader from an archive that holds `conformance_files`, no more."""
        raise NotImplementedError("override the fixture 'downloader' in your subclass")

    @_every_order
    def test_delivers_each_file_once(self, downloader: FileDownloader, order: Order) -> None:
        """Whatever is asked for comes, each once; or is refused before the first item."""
        if self._is_refused(downloader.files, order.objects, order.level):
            return
        delivered = downloader.files(order.objects)

        assert order.instances == sorted(str(reference_of(file.dataset())) for file in delivered)

    @_every_instance
    def test_bytes_are_those_stored(
        self, downloader: FileDownloader, instance: InstanceReference
    ) -> None:
        """A file is whole. If the archive keeps bytes, not one of them differs."""
        (file,) = downloader.files([instance])
        content = file.read()

        assert "" == walk([content]).fault
        if self.features.keeps_bytes:
            assert fingerprint(_FILES[instance]) == fingerprint(content)
        else:
            stored = decode(_FILES[instance], str(instance))
            assert [] == differences(stored, decode(content, str(instance)))

    def test_file_is_what_it_is_called(self, downloader: FileDownloader) -> None:
        """A file that says which instance it is, is that instance."""
        for file in downloader.files(INSTANCES):
            called, found = file.reference, reference_of(file.dataset())

            assert called in (None, found)

    def test_chunks_are_small(self, downloader: FileDownloader) -> None:
        """No chunk is larger than it may be, however large the instance."""
        sizes = [len(chunk) for file in downloader.files(INSTANCES) for chunk in file.chunks]

        assert self.features.chunk_size >= max(sizes)

    @pytest.mark.parametrize("chunks", [0, 1])
    def test_file_can_be_passed_over(self, downloader: FileDownloader, chunks: int) -> None:
        """A file that is not read, or only begun, does not harm those that follow."""
        whole: list[InstanceReference] = []
        for place, file in enumerate(downloader.files(INSTANCES)):
            if place % 2:
                whole.append(reference_of(file.dataset()))
                assert file.reference in (None, whole[-1])
            else:
                list(islice(file.chunks, chunks))

        assert len(INSTANCES) // 2 == len(set(whole))

    @_every_stranger
    def test_unknown_is_a_file_that_fails(
        self, downloader: FileDownloader, stranger: DICOMObjectReference
    ) -> None:
        """What the archive does not hold fails when it is read and is named; all others come."""
        order = [INSTANCES[0], stranger, INSTANCES[1]]
        if self._is_refused(downloader.files, order, stranger.level):
            return
        whole: list[InstanceReference] = []
        failed: list[str] = []
        for file in downloader.files(order):
            try:
                whole.append(reference_of(file.dataset()))
            except DownloadError as error:  # noqa: PERF203  each file on its own
                failed.append(error.subject)

        assert [str(stranger)] == failed
        assert [INSTANCES[0], INSTANCES[1]] == sorted(whole)


def _drain(items: Iterator[T], into: list[T]) -> None:
    """Put into a list what comes before an error, too."""
    for item in items:
        into.append(item)  # noqa: PERF402  a list does not promise that of `extend`
