"""A folder that instances go into."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path, PurePosixPath
from threading import RLock

from pydicom.dataset import Dataset

from gurney.core import (
    DICOMFile,
    DICOMObjectReference,
    InstanceReference,
    Outcome,
    OutcomeStatus,
    Storage,
    Walked,
)

from .arrival import file_from, identify, named, receive, reference_in
from .content import algorithm_of, checksum_of, look, size_of
from .disk import NotKeptError, disk_errors, inside, make_folder, sync_folder, unusable
from .index import Index
from .layout import DEFAULT_LAYOUT, Layout
from .placing import FolderShelf, Newcomer, Settled, compare, settle
from .telling import kept, not_kept
from .temporary import Temporary, remove_leftovers
from .tree import final_files

__all__ = ["FolderStorage"]


_REMEMBERED = 1000  # folders that need not be cleaned again


class FolderStorage(Storage):
    """Keeps instances as files in a folder; several threads and processes may share it.

    An instance is written under a temporary name, walked over and hashed on the way, brought to
    the disk, and only then linked to its final name, which it never takes from another file. So
    every final name holds one whole instance, whenever the process or the machine stops.

    Temporary names (``.gurney-HOST-PID-RANDOM.part``) are made in the final folder if it follows
    from the UIDs asked for and is there, else in the root: what comes may be something else, and
    is to leave no folder then. What dead processes of this host left in a folder is removed when
    it is first written to.

    No value leads out of the root, and no link is followed out of it. An instance whose name
    another one has is called ``NAME~uid-HASH``, after its SOP Instance UID. Other content under a
    known SOP Instance UID is kept aside as ``NAME~conflict-HASH``; a damaged file that is in the
    way, as ``NAME~damaged-HASH``.

    With a layout of other keywords than the UIDs, the first call reads the headers of all files
    under the root, to know what is there; files that others add later are not seen.

    Parameters
    ----------
    root
        The folder; made when first needed. Sub-folders must be on its file system.
    layout
        Where in it an instance goes: a `Layout`, or the template of one.
    checksum
        An algorithm of `hashlib`, such as ``"sha256"`` or ``"blake2b"``; `None` for none.
    durable
        Whether ``STORED`` means that the instance survives a power failure.

    Raises
    ------
    LayoutError
        If *layout* cannot become a path inside the root.
    InvalidInputError
        If there is no such checksum.
    """

    def __init__(
        self,
        root: str | os.PathLike[str],
        layout: Layout | str = DEFAULT_LAYOUT,
        *,
        checksum: str | None = "sha256",
        durable: bool = True,
    ) -> None:
        self.root: Path = Path(os.path.realpath(root))
        self.layout: Layout = Layout(layout) if isinstance(layout, str) else layout
        self.checksum: str | None = algorithm_of(checksum)
        self.durable: bool = durable
        self._shelf: FolderShelf = FolderShelf(self.layout, durable)
        self._lock: RLock = RLock()
        self._clean: set[Path] = set()
        self._index: Index = Index(self.files)

    def store(self, item: DICOMFile | Dataset, /) -> Outcome:
        """Keep *item*, whole or not at all, and say what became of it.

        Returns
        -------
        Outcome
            ``STORED``. ``ALREADY_THERE``: the same content, or the same data set with other file
            meta; the file on disk is left as it is. ``FAILED``: cut, malformed, not DICOM,
            without UIDs, or the stream or the disk failed this one; nothing is kept, and the
            reference is that of a study or series, or none, if no more is known.
            ``REFUSED``: not the instance that was asked for, and nothing is kept; or other
            content under a UID that is here, and it is kept aside at the path given.

        Raises
        ------
        StorageError
            If nothing more can be stored: disk full, no permission.
        """
        file, walked = file_from(item), None
        try:
            with disk_errors(self.root):
                expected = self._expected(file.reference)
                with self._temporary(expected) as temporary:
                    walked, checksum = receive(
                        file, temporary.write, self.checksum, self.layout.keywords
                    )
                    reference = identify(file, walked)
                    temporary.finish(durable=self.durable)
                    new = Newcomer(temporary.path, walked, checksum)
                    settled = self._place(new, reference, expected)
        except NotKeptError as problem:
            return not_kept(problem, named(item, walked), file, walked)
        return self._outcome(reference, settled, walked, file)

    def find(self, reference: InstanceReference, /) -> Outcome | None:
        """Return ``ALREADY_THERE`` if the instance is here and whole, else `None`.

        The file is walked over each time: a folder or a name proves nothing. With a checksum, all
        of it is read: without one in the receipt, nobody could see later that it has changed.

        Raises
        ------
        StorageError
            If the folder cannot be read.
        """
        try:
            with disk_errors(self.root), self._lock:
                there = self._there(reference)
        except NotKeptError:  # where it would be nothing can be
            return None
        if there is None:
            return None
        path, walked = there
        checksum = checksum_of(path, self.checksum) if self.checksum else ""
        settled = Settled(OutcomeStatus.ALREADY_THERE, path, walked.size, checksum)
        return self._outcome(reference, settled, walked)

    def holds(self, outcome: Outcome, /) -> bool:
        """Return whether what *outcome* tells of is still there, by name and size alone.

        That is quick, and no proof: `find` looks into it.

        Raises
        ------
        StorageError
            If the folder cannot be read.
        """
        relative = PurePosixPath(outcome.path)
        if not outcome.path or relative.is_absolute() or ".." in relative.parts:
            return False
        try:
            with disk_errors(self.root):
                return size_of(inside(self.root, relative)) == outcome.size
        except NotKeptError:  # where it would be nothing can be
            return False

    def files(self) -> Iterator[Path]:
        """Yield the files that have a final name, none that is temporary or kept aside.

        Sorted within each folder; whatever else lies under the root is among them, but not what
        a transfer remembers.

        Raises
        ------
        StorageError
            If a folder cannot be read.
        """
        if self.root.exists():
            with disk_errors(self.root):
                yield from final_files(self.root)

    def __repr__(self) -> str:
        return f"FolderStorage({str(self.root)!r}, {self.layout.template!r})"

    def __reduce__(self) -> tuple[object, ...]:
        make = partial(FolderStorage, checksum=self.checksum, durable=self.durable)
        return make, (self.root, self.layout)

    def _expected(self, asked: DICOMObjectReference | None) -> Path | None:
        """Where what was *asked* for will be, if that can be known before it comes."""
        if not isinstance(asked, InstanceReference):
            return None
        relative = self.layout.path_of(asked)
        return None if relative is None else inside(self.root, relative)

    def _temporary(self, expected: Path | None) -> Temporary:
        """Begin a file where its final name will be, as far as that is known."""
        if expected is not None:
            with suppress(FileNotFoundError, NotADirectoryError):
                return self._begin(expected.parent)
        try:
            make_folder(self.root, durable=self.durable)
            return self._begin(self.root)
        except OSError as error:
            raise unusable(self.root, error) from error

    def _begin(self, folder: Path) -> Temporary:
        with self._lock:
            if folder not in self._clean:
                remove_leftovers(folder)
                if len(self._clean) >= _REMEMBERED:
                    self._clean.clear()
                self._clean.add(folder)
        return Temporary(folder)

    def _place(
        self, new: Newcomer[Path], reference: InstanceReference, expected: Path | None
    ) -> Settled[Path]:
        with self._lock:
            settled = self._settle(new, reference, expected)
            if settled.status is OutcomeStatus.STORED and not self.layout.by_uid:
                self._index.add(reference, settled.path)
        if self.durable and settled.status is not OutcomeStatus.ALREADY_THERE:
            sync_folder(settled.path.parent)
        return settled

    def _settle(
        self, new: Newcomer[Path], reference: InstanceReference, expected: Path | None
    ) -> Settled[Path]:
        if not self.layout.by_uid:
            there = self._there(reference)
            if there is not None:  # with other values, maybe, and so at another path
                return compare(new, *there, self._shelf)
        for path in self._paths(reference, new.walked, expected):
            settled = settle(new, path, self._shelf)
            if settled is not None:
                return settled
        raise NotKeptError(
            OutcomeStatus.FAILED, "both names it could have are taken by something else; move that"
        )

    def _there(self, reference: InstanceReference) -> tuple[Path, Walked] | None:
        """Where the instance is, whole."""
        for path in self._known_paths(reference):
            walked = look(path)
            if walked is None and not path.parent.exists():
                return None
            if walked is not None and walked.whole and reference_in(walked) == reference:
                return path, walked
        return None

    def _known_paths(self, reference: InstanceReference) -> Iterable[Path]:
        if self.layout.by_uid:
            return self._paths(reference, None)
        known = self._index.get(reference)
        return () if known is None else (known,)

    def _paths(
        self, reference: InstanceReference, walked: Walked | None, expected: Path | None = None
    ) -> Iterator[Path]:
        """Where the instance belongs; then where it goes if another has that name."""
        if expected is not None:
            yield expected
        relative = self.layout.path_of(reference)
        if relative is None and walked is not None:
            relative = self.layout.path(walked.dataset)
        if relative is not None:
            if expected is None:
                yield inside(self.root, relative)
            yield inside(self.root, self.layout.second(relative, reference.instance_uid))

    def _outcome(
        self,
        reference: InstanceReference,
        settled: Settled[Path],
        walked: Walked,
        file: DICOMFile | None = None,
    ) -> Outcome:
        path = settled.path.relative_to(self.root).as_posix()
        return kept(reference, settled, path, walked, file)
