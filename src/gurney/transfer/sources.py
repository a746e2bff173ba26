"""From where: how a worker, in whatever process, comes to a searcher and a downloader."""

from __future__ import annotations

import re
from abc import abstractmethod
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from typing import Final, Protocol
from urllib.parse import parse_qsl, unquote, urlsplit

import attrs

from gurney.archives import Archive, open_archive
from gurney.core import (
    DICOMDownloadable,
    DICOMFile,
    FileDownloader,
    InvalidInputError,
    Query,
    Searcher,
    Study,
)
from gurney.logins import named
from gurney.manners import Pace, paced_files
from gurney.retrieving import Ladder

__all__ = ["ArchiveURLs", "Given", "Opened", "Source"]


@attrs.frozen
class Opened:
    """What a source gives.

    Attributes
    ----------
    searcher
        Whom to ask what there is.
    downloader
        Whom to ask for it.
    paces
        What each archive is asked, and gives, by its name; empty if that is not told apart.
    """

    searcher: Searcher
    downloader: FileDownloader
    paces: Mapping[str, Pace] = attrs.field(factory=dict[str, Pace])


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


@attrs.frozen(init=False)
class ArchiveURLs:
    """Archives that are named by URLs, or by paths, and opened where the work is done.

    Parameters
    ----------
    urls
        As `gurney.open_archive` takes them; at least one. What the first does not bring is asked
        of the next, as a `gurney.Ladder` does.
    searcher
        Whom to ask what there is; else the first.

    Raises
    ------
    InvalidInputError
        If there is none, or one holds a password: what is here travels to other machines.

    Examples
    --------
    >>> ArchiveURLs("dimse://ARCHIVE@pacs.example:104?calling=ME", "dicomweb+https://pacs.example")
    ArchiveURLs('dimse://ARCHIVE@pacs.example:104', 'dicomweb+https://pacs.example')
    """

    urls: tuple[str, ...]
    searcher: str

    def __init__(self, *urls: str, searcher: str = "") -> None:
        if not urls:
            raise InvalidInputError("no archive was named; give a URL, or the path of a folder")
        object.__setattr__(self, "urls", tuple(map(_checked, urls)))
        object.__setattr__(self, "searcher", _checked(searcher) if searcher else "")

    @property
    def names(self) -> tuple[str, ...]:
        """The URLs without user and options, in the order they are tried, each once."""
        return tuple(dict.fromkeys(map(named, self.urls)))

    @contextmanager
    def open(self, pace: Pace) -> Generator[Opened]:
        """Connect to all of them; each is counted by itself, and all keep to *pace* together."""
        paces: dict[str, Pace] = {}
        with ExitStack() as stack:
            archives: list[Archive] = []
            for url in (*self.urls, *([self.searcher] if self.searcher else [])):
                own = paces.setdefault(named(url), Pace(within=pace))
                archive = open_archive(url, pace=own)
                if isinstance(archive, AbstractContextManager):
                    stack.enter_context(archive)
                archives.append(archive)
            rungs = archives[: len(self.urls)]
            yield Opened(
                searcher=archives[-1] if self.searcher else archives[0],
                downloader=Ladder(*rungs) if len(rungs) > 1 else rungs[0],
                paces=paces,
            )

    def __repr__(self) -> str:
        return f"ArchiveURLs({', '.join(map(repr, self.names))})"


_ELSEWHERE: Final = (
    "a transfer is written down, and travels to other machines. Put the password into ~/.netrc or"
    " the keyring, or into GURNEY_PASSWORD or GURNEY_TOKEN, with GURNEY_HOST, wherever it runs"
)
_is_secret: Final = re.compile(
    r"pass|secret|token|credential|auth|signature|^sig$|api.?key|^key$|^pwd$", re.IGNORECASE
).search


def _checked(url: str) -> str:
    """Return *url* as others in other places can use it; a path, from the root of all."""
    if "://" not in url:
        if not url:
            raise InvalidInputError("an archive without a name; give a URL or a path ('.' is here)")
        return str(Path(url).absolute())
    try:
        parts = urlsplit(url)
    except ValueError:  # its message may quote a password
        raise InvalidInputError("an archive is named by what is not a URL") from None
    before = unquote(parts.netloc.rpartition("@")[0])
    named_options = [name for name, _ in parse_qsl(parts.query, keep_blank_values=True)]
    if ":" in before or any(map(_is_secret, named_options)):
        raise InvalidInputError(
            f"the URL of an archive holds a password, or the like; {_ELSEWHERE}"
        )
    if parts.netloc and ("@" in parts.path + parts.query or parts.fragment):
        raise InvalidInputError(
            "the URL of an archive has a # or, after its host, an @; write %23 and %40. If that is"
            f" part of a password: {_ELSEWHERE}"
        )
    return url


@attrs.frozen
class Given:
    """A searcher and a downloader in hand, for work in this process; elsewhere if they pickle.

    Parameters
    ----------
    searcher, downloader
        Both may be the same archive. They are paced from outside: each search and each file is a
        request. Who has opened them closes them.
    name
        What receipts and ledgers call the archive. No credentials, please.
    """

    searcher: Searcher = attrs.field(repr=False)
    downloader: FileDownloader = attrs.field(repr=False)
    name: str

    @property
    def names(self) -> tuple[str, ...]:
        """``(name,)``."""
        return (self.name,)

    @contextmanager
    def open(self, pace: Pace) -> Generator[Opened]:
        """Give both, kept to *pace*."""
        own = Pace(within=pace)
        yield Opened(
            _PacedSearcher(self.searcher, own),
            _PacedDownloader(self.downloader, own),
            {self.name: own},
        )


@attrs.frozen
class _PacedSearcher(Searcher):
    searcher: Searcher
    pace: Pace

    def find_studies(self, query: Query, /) -> Sequence[Study]:
        self.pace.request()
        return self.searcher.find_studies(query)


@attrs.frozen
class _PacedDownloader(FileDownloader):
    downloader: FileDownloader
    pace: Pace

    def files(self, objects: Iterable[DICOMDownloadable], /) -> Iterator[DICOMFile]:
        return paced_files(self.downloader.files(objects), self.pace)
