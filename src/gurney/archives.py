"""From a URL to an archive. Backends announce themselves by entry points, ours and others' alike.

A backend is a callable in the entry-point group ``gurney.archives``, named by the scheme of its
URLs: it takes the URL and returns an `Archive`.
"""

from __future__ import annotations

import re
from abc import abstractmethod
from collections import Counter
from collections.abc import Callable
from importlib.metadata import EntryPoint, entry_points
from typing import Final, Protocol, cast

from gurney.core import (
    FileDownloader,
    InvalidInputError,
    Query,
    Searcher,
    SearchResult,
    UnknownArchiveError,
)

__all__ = ["Archive", "open_archive", "schemes"]

GROUP: Final = "gurney.archives"
_SCHEME: Final = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")


class Archive(Searcher, FileDownloader, Protocol):
    """Something that can be searched, saying whether it found everything, and downloaded from."""

    @abstractmethod
    def find_studies(self, query: Query, /) -> SearchResult:
        """Return the studies that match *query*, and whether they are all; as any `Searcher`."""
        ...


def open_archive(url: str) -> Archive:
    """Return the archive at *url*.

    Parameters
    ----------
    url
        ``scheme://…``, or a path of a folder.

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
    return _opener(found[0])(url)


def schemes() -> tuple[str, ...]:
    """Return the URL schemes that can be opened, sorted."""
    return tuple(sorted({entry.name for entry in entry_points(group=GROUP)}))


def _scheme(url: str) -> str:
    found = _SCHEME.match(url)
    return found.group(1).lower() if found else "file"


def _opener(entry: EntryPoint) -> Callable[[str], Archive]:
    try:
        return cast("Callable[[str], Archive]", entry.load())
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
