"""From where: how a worker, in whatever process, comes to a searcher and a downloader."""

from __future__ import annotations

from abc import abstractmethod
from contextlib import AbstractContextManager
from typing import Protocol

import attrs

from gurney.core import FileDownloader, Searcher
from gurney.manners import Pace

__all__ = ["Opened", "Source"]


@attrs.frozen
class Opened:
    """What a source gives: whom to ask what there is, and whom to ask for it."""

    searcher: Searcher
    downloader: FileDownloader


class Source(Protocol):
    """Where instances come from. Pickles, if work is to be done in other processes.

    A source holds what it takes to connect, never a connection, and no secret: those are found
    where the connection is made, see `gurney.logins`.
    """

    @property
    def names(self) -> tuple[str, ...]:
        """What receipts and ledgers call the archives, in the order they are tried."""
        ...

    @abstractmethod
    def open(self, pace: Pace) -> AbstractContextManager[Opened]:
        """Connect, keeping to *pace* in all that is asked; several threads use what is given."""
        ...
