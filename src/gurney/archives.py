"""From a URL to an archive. Backends announce themselves by entry points, ours and others' alike.

A backend is a callable in the entry-point group ``gurney.archives``, named by the scheme of its
URLs: it takes the URL and returns an `Archive`. In its ``pyproject.toml``::

    [project.entry-points."gurney.archives"]
    myscheme = "mypackage:open_url"

If it has a parameter ``pace``, it gets that by name: a `gurney.manners.Pace`, or `None`. Who takes
it promises to

- call ``pace.request()`` before each request that is sent: those that are sent again, further
  pages and new connections too;
- call ``pace.received(len(chunk))`` for the bytes of instances where they arrive, in the thread
  that reads them and before it reads on: waiting there is what slows the archive down;
- call ``pace.busy()`` when the archive refuses something because it has too much to do, such as
  status 429 or 503 of HTTP.

All three may be called by any thread. ``request`` and ``received`` wait; do not hold a lock then.

::

    def open_url(url: str, *, pace: Pace | None = None) -> MyArchive: ...

A backend without this parameter can be paced all the same, from outside: each search and each file
counts as a request, and the bytes of files are passed on no faster than allowed. How often it asks
for that, how far it reads ahead, and whether the archive is busy, nobody knows then.
"""

from __future__ import annotations

import inspect
import re
from abc import abstractmethod
from collections import Counter
from collections.abc import Callable, Generator, Iterable
from contextlib import AbstractContextManager, ExitStack
from importlib.metadata import EntryPoint, entry_points
from types import TracebackType
from typing import Final, Protocol, cast

from typing_extensions import Self

from gurney.core import (
    DICOMDownloadable,
    DICOMFile,
    FileDownloader,
    InvalidInputError,
    Query,
    Searcher,
    SearchResult,
    UnknownArchiveError,
)
from gurney.manners import Pace, paced_files

__all__ = ["Archive", "open_archive", "schemes"]

GROUP: Final = "gurney.archives"
_SCHEME: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")


class Archive(Searcher, FileDownloader, Protocol):
    """Something that can be searched, saying whether it found everything, and downloaded from."""

    @abstractmethod
    def find_studies(self, query: Query, /) -> SearchResult:
        """Return the studies that match *query*, and whether they are all; as any `Searcher`."""
        ...


def open_archive(url: str, *, pace: Pace | None = None) -> Archive:
    """Return the archive at *url*.

    Parameters
    ----------
    url
        ``scheme://…``, or a path of a folder.
    pace
        How many requests and bytes a second. A backend that does not know of such a thing, as that
        of folders, is paced from outside: each search and each file is a request.

    Raises
    ------
    UnknownArchiveError
        If no installed backend opens such a URL; it names those that are installed. Or if the
        one that does lacks a library; it names that, and how to install it.
    InvalidInputError
        If *url* is empty, or is not what its backend takes.
    ArchiveUnavailableError
        If there is no archive there; some backends find out when they are first asked.

    Examples
    --------
    >>> open_archive("ftp://example.org/studies")
    Traceback (most recent call last):
    gurney.core.errors.UnknownArchiveError: nothing installed opens ftp:// archives; ...
    """
    if not url:
        raise InvalidInputError("no archive was named; give a path or a URL ('.' is this folder)")
    scheme = _scheme(url)
    found = [entry for entry in entry_points(group=GROUP) if entry.name == scheme]
    if not found:
        raise UnknownArchiveError(
            f"nothing installed opens {scheme}:// archives; "
            f"installed are {', '.join(f'{name}://' for name in schemes())} and paths of folders"
        )
    opener = _opener(found[0])
    if pace is None:
        return opener(url)
    return opener(url, pace=pace) if _takes_pace(opener) else _PacedArchive(opener(url), pace)


def schemes() -> tuple[str, ...]:
    """Return the URL schemes that can be opened, sorted."""
    return tuple(sorted({entry.name for entry in entry_points(group=GROUP)}))


def _scheme(url: str) -> str:
    found = _SCHEME.match(url)
    return found.group(1).lower() if found else "file"


class _PacedArchive(Archive):
    """An archive that knows of no pace, and keeps to one."""

    def __init__(self, archive: Archive, pace: Pace) -> None:
        self._archive: Archive = archive
        self._pace: Pace = pace
        self._own: ExitStack = ExitStack()

    def find_studies(self, query: Query, /) -> SearchResult:
        self._pace.request()
        return self._archive.find_studies(query)

    def files(self, objects: Iterable[DICOMDownloadable], /) -> Generator[DICOMFile]:
        return paced_files(self._archive.files(objects), self._pace)

    def __enter__(self) -> Self:
        if isinstance(self._archive, AbstractContextManager):
            self._own.enter_context(self._archive)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._own.__exit__(kind, error, traceback)

    def __repr__(self) -> str:
        return repr(self._archive)


def _takes_pace(opener: Callable[..., object]) -> bool:
    try:
        return "pace" in inspect.signature(opener).parameters
    except (TypeError, ValueError):  # of some that are written in C nobody knows
        return False


def _opener(entry: EntryPoint) -> Callable[..., Archive]:
    try:
        return cast("Callable[..., Archive]", entry.load())
    except ImportError as error:
        package = entry.dist.name if entry.dist is not None else entry.module.partition(".")[0]
        if not isinstance(error, ModuleNotFoundError) or error.name is None:
            lack = "a library of another version than it has; run: pip install --upgrade"
            raise UnknownArchiveError(f"{entry.name}:// needs {lack} {package}") from error
        library = error.name.partition(".")[0]
        extra = _extra(entry, library)
        raise UnknownArchiveError(
            f"{entry.name}:// needs {library}, which is not installed; "
            f'run: pip install "{package}{extra}"'
        ) from error


def _extra(entry: EntryPoint, library: str) -> str:
    """Return the smallest extra that *library* comes with, in brackets; empty if there is none."""
    requirements = (entry.dist.requires if entry.dist is not None else None) or ()
    extras = [(_is_required(text), _is_extra(text)) for text in requirements]
    sizes = Counter(extra.group(1) for _, extra in extras if extra)
    having = [extra.group(1) for name, extra in extras if extra and name and name[0] == library]
    return f"[{min(having, key=sizes.__getitem__)}]" if having else ""


_is_required: Final = re.compile(r"[\w.-]+").match
_is_extra: Final = re.compile(r".*\bextra\s*==\s*[\"']([\w.-]+)").match
