"""From what was typed to a transfer, and back from the ledger that keeps what was typed once."""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import attrs

from gurney.core import TRANSFER_FOLDER, Storage, unique
from gurney.logins import named
from gurney.manners import Pace
from gurney.storage import DEFAULT_LAYOUT, FLAT, Layout, TransformingStorage, storage_at
from gurney.transfer import ArchiveURLs, Item, Opened, Source, Transfer
from gurney.transfer.ledger import Ledger

from .callables import load
from .exits import WrongUseError
from .manners import Told, limits_of, windows_of
from .samples import DEMO, samples

__all__ = ["Kept", "ledger_of", "transfer_of"]

_LAYOUTS: Final = {"default": DEFAULT_LAYOUT, "flat": FLAT}


@attrs.frozen(kw_only=True)
class Kept:
    """What a transfer is for its whole life.

    Attributes
    ----------
    archives
        As they were typed; paths are absolute.
    output
        As it was typed, if it is not the folder in which the ledger is.
    layout, checksum, transform
        As they were typed.
    """

    archives: tuple[str, ...]
    output: str
    layout: str = "default"
    checksum: str = "sha256"
    transform: str = ""

    @classmethod
    def of(cls, ledger: Path) -> Kept:
        """Return what was kept in *ledger*, a folder."""
        with Ledger.reading(ledger) as book:
            settings = book.settings
        try:
            said = {name: settings[f"command {name}"] for name in attrs.fields_dict(cls)}
        except KeyError as error:
            raise WrongUseError(
                "this transfer was not planned by the command; go on with it in Python"
            ) from error
        archives = said.pop("archives")
        names = archives if isinstance(archives, tuple) else (str(archives),)
        return cls(archives=names, **{name: str(value) for name, value in said.items()})

    def keep(self, ledger: Path) -> None:
        """Keep it in *ledger*, a folder; `InvalidInputError` if it is there and differs."""
        with Ledger.open(ledger) as book:
            book.agree({f"command {name}": value for name, value in attrs.asdict(self).items()})


def ledger_of(output: str) -> Path:
    """Return the folder of the ledger of the transfer at *output*.

    Raises
    ------
    WrongUseError
        If there is none.
    """
    if "://" in output:
        raise WrongUseError("name the folder of its ledger, which plan was given as --ledger")
    folder = Path(output)
    for place in (folder / TRANSFER_FOLDER, folder):
        if (place / "ledger.db").is_file():
            return place.absolute()
    raise WrongUseError(
        f"there is no transfer in {folder.name or folder}; "
        "make one: gurney transfer plan ARCHIVE --from FILE -o OUT"
    )


def transfer_of(ledger: Path, kept: Kept, told: Told, wanted: tuple[Item, ...] = ()) -> Transfer:
    """Return the transfer whose ledger is in the folder *ledger*."""
    return Transfer(
        wanted,
        _source(kept.archives),
        _storage(kept, ledger),
        limits=limits_of(told),
        windows=windows_of(told),
        ledger=ledger,
    )


def _source(urls: tuple[str, ...]) -> Source:
    """The archives, by what they were typed as: nobody typed where the samples are."""
    opened = ArchiveURLs(*(str(samples()) if url == DEMO else url for url in urls))
    return _Called(opened, tuple(unique(map(named, urls))))


@attrs.frozen
class _Called:
    """A source whose archives go by other names."""

    source: Source
    names: tuple[str, ...]

    @contextmanager
    def open(self, pace: Pace) -> Generator[Opened]:
        with self.source.open(pace) as opened:
            paces = dict(zip(self.names, opened.paces.values(), strict=True))
            yield attrs.evolve(opened, paces=paces)


def _storage(kept: Kept, ledger: Path) -> Storage:
    place = kept.output or str(ledger.parent)
    layout = _LAYOUTS.get(kept.layout) or Layout(kept.layout)
    checksum = None if kept.checksum == "none" else kept.checksum
    storage = storage_at(place, layout, checksum=checksum)
    return TransformingStorage(storage, load(kept.transform)) if kept.transform else storage
