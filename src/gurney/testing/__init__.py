"""For those who test: an archive in memory, and what every backend has to do.

`MemoryArchive` and `MemoryStorage` stand in for real ones in tests of what you build on gurney;
`example_datasets` are something to put into them. `SimulatedArchive` has a million instances, or as
many as you like, and makes them up when it is asked. `gurney.testing.dicomweb` has an archive that
is reached over HTTP, and misbehaves on request.

The conformance kit tells whether a searcher, a downloader or a storage does what the docstrings of
`gurney.core` promise. Your class need not inherit anything: its shape counts. Subclass a class of
the kit, override its fixtures, declare what you support, and run pytest::

    @pytest.fixture(scope="module")
    def server() -> Iterator[MyServer]:
        with MyServer() as server:
            for dataset in conformance_datasets():
                server.take(dataset)
            yield server


    class TestMySearcher(SearcherConformance):
        features = SearcherFeatures(levels=[QueryLevels.STUDY], include_fields=False)

        @pytest.fixture
        def searcher(self, server: MyServer) -> MySearcher:
            return MySearcher(server.url)

- Fill the archive with `conformance_datasets`, and nothing else, behind the back of what is tested.
- What is claimed is tested in full: each level, each key by single value, list, wildcard and range.
- What is not claimed is tested too: `UnsupportedParameterError` has to name the parameter,
  `NonSeriesParameterError` or `NonInstanceParameterError` has to come before the first item.
  Nothing may be answered in part, or ignored in silence.

========================= ============================== ===================== ==================
What is tested            Subclass                       Fixtures              Features
========================= ============================== ===================== ==================
`Searcher`                `SearcherConformance`          searcher,             SearcherFeatures
                                                         capped_searcher
`Downloader`              `DownloaderConformance`        downloader            DownloaderFeatures
`FileDownloader`          `FileDownloaderConformance`    downloader            DownloaderFeatures
`Storage`                 `StorageConformance`           storage, contents     StorageFeatures
========================= ============================== ===================== ==================

The kit needs ``gurney[testing]``; `MemoryArchive` and the data do not. Names are imported when they
are first used, so that pytest starts as fast as without gurney.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Final  # noqa: TID251  see the last paragraph above

if TYPE_CHECKING:
    from . import strategies
    from .comparing import differences, reference_of
    from .downloaders import DownloaderConformance, FileDownloaderConformance
    from .features import DownloaderFeatures, SearcherFeatures, StorageFeatures, keys_of
    from .memory import MemoryArchive
    from .memory_storage import MemoryStorage
    from .samples import example_datasets
    from .searchers import SearcherConformance
    from .seeds import TREE, conformance_datasets, conformance_files
    from .simulated import SimulatedArchive
    from .storages import Contents, StorageConformance

__all__ = [
    "Contents",
    "DownloaderConformance",
    "DownloaderFeatures",
    "FileDownloaderConformance",
    "MemoryArchive",
    "MemoryStorage",
    "SearcherConformance",
    "SearcherFeatures",
    "SimulatedArchive",
    "StorageConformance",
    "StorageFeatures",
    "TREE",
    "conformance_datasets",
    "conformance_files",
    "differences",
    "example_datasets",
    "keys_of",
    "reference_of",
    "strategies",
]

_HOMES: Final = {
    "Contents": "storages",
    "DownloaderConformance": "downloaders",
    "DownloaderFeatures": "features",
    "FileDownloaderConformance": "downloaders",
    "MemoryArchive": "memory",
    "MemoryStorage": "memory_storage",
    "SearcherConformance": "searchers",
    "SearcherFeatures": "features",
    "SimulatedArchive": "simulated",
    "StorageConformance": "storages",
    "StorageFeatures": "features",
    "TREE": "seeds",
    "conformance_datasets": "seeds",
    "conformance_files": "seeds",
    "differences": "comparing",
    "example_datasets": "samples",
    "keys_of": "features",
    "reference_of": "comparing",
    "strategies": "strategies",
}

if not TYPE_CHECKING:  # a checker that saw this would accept every misspelt name

    def __getattr__(name: str) -> object:
        if name not in _HOMES:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        home = import_module(f".{_HOMES[name]}", __name__)
        return globals().setdefault(name, getattr(home, name, home))

    def __dir__() -> list[str]:
        return [*__all__]
