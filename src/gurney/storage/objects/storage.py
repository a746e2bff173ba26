"""An object store that instances go into."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cached_property, partial
from importlib import import_module
from pathlib import PurePosixPath
from typing import Any, Final, cast

from pydicom.dataset import Dataset

from gurney.core import (
    DICOMFile,
    InstanceReference,
    InvalidInputError,
    LayoutError,
    Outcome,
    OutcomeStatus,
    Storage,
)

from ..arrival import file_from, identify, named, receive, reference_in
from ..content import algorithm_of, checksum_of
from ..disk import NotKeptError
from ..layout import DEFAULT_LAYOUT, Layout
from ..placing import Newcomer, Settled, settle
from ..telling import kept, not_kept
from .failures import store_errors
from .filesystems import FileSystem
from .shelf import StoreShelf
from .spool import Spool
from .stores import STORES

__all__ = ["ObjectStorage"]

_url: Final = re.compile(r"([a-z0-9+.-]+)://([^?#]*)").fullmatch
_SECRETS: Final = frozenset(
    "key secret token username password session account_key sas_token connection_string credential "
    "aws_access_key_id aws_secret_access_key aws_session_token ssecustomerkey".split()
)


class ObjectStorage(Storage):
    """Keeps instances as objects in a store that fsspec knows: S3, and what speaks as it does.

    An instance is walked over and hashed on its way into a spool on this side: in memory up to 8
    MB, beyond that in a nameless temporary file. Only when it is whole, and is what was asked
    for, is it uploaded, in parts of 8 MB, which become an object all at once. So nothing that is
    cut ever reaches the store, and no name holds a part, whenever the process or the line dies.

    As in a folder, nothing is overwritten: other content under a known SOP Instance UID is kept
    aside as ``NAME~conflict-HASH``, a damaged object that is in the way as ``NAME~damaged-HASH``.
    Several threads, processes and machines may share a store that knows conditional writes
    (``If-None-Match``), as S3 does. Others are asked whether the name is free before an upload,
    and again at its end.

    Parameters
    ----------
    url
        ``s3://bucket/prefix``; ``memory://`` and ``file://`` are for tests.
    layout
        Where in it an instance goes: a `Layout` of UIDs, or the template of one.
    checksum
        An algorithm of `hashlib`, such as ``"sha256"`` or ``"blake2b"``; `None` for none.
    **options
        Of fsspec's file system, such as ``endpoint_url`` for a server other than Amazon's. They
        travel with the storage to other processes, and so hold no secrets: credentials are found
        where the store's own library looks for them, in the environment or in a profile.

    Raises
    ------
    LayoutError
        If *layout* wants to know more than UIDs.
    InvalidInputError
        If *url* is none of a store that can keep this promise, if the libraries for it are not
        installed, if it or *options* hold credentials, or if there is no such checksum.

    Notes
    -----
    A process that is killed in the middle of a large upload leaves parts at the store, which are
    no object and which nobody sees, but which may cost money. Have the bucket remove them after a
    day (S3: a lifecycle rule ``AbortIncompleteMultipartUpload``).

    Examples
    --------
    >>> ObjectStorage("memory://research/ct", "{SOPInstanceUID}.dcm")
    ObjectStorage('memory://research/ct', '{SOPInstanceUID}.dcm')
    """

    def __init__(
        self,
        url: str,
        layout: Layout | str = DEFAULT_LAYOUT,
        *,
        checksum: str | None = "sha256",
        **options: object,
    ) -> None:
        self.url: str = url
        self.layout: Layout = Layout(layout) if isinstance(layout, str) else layout
        self.checksum: str | None = algorithm_of(checksum)
        self.options: Mapping[str, object] = options
        self._protocol: str = _protocol_of(url)
        _refuse_secrets(url, options)
        if not self.layout.by_uid:
            raise LayoutError(
                f"layout {self.layout.template!r} has other keywords than UIDs, and an object "
                "store cannot be searched by headers; use StudyInstanceUID, SeriesInstanceUID and "
                "SOPInstanceUID"
            )
        _find_libraries(self._protocol)

    def store(self, item: DICOMFile | Dataset, /) -> Outcome:
        """Keep *item*, whole or not at all, and say what became of it.

        Returns
        -------
        Outcome
            As of `FolderStorage.store`.

        Raises
        ------
        StorageError
            If nothing more can be stored: nobody answers, access is denied, there is no bucket,
            or the temporary folder is full.
        """
        file, walked = file_from(item), None
        with Spool() as spool:
            try:
                walked, checksum = receive(file, spool.write, self.checksum)
                reference = identify(file, walked)
                settled = self._settle(Newcomer(spool, walked, checksum), reference)
            except NotKeptError as problem:
                return not_kept(problem, named(item, walked), file, walked)
        return kept(reference, settled, str(settled.path), walked, file)

    def find(self, reference: InstanceReference, /) -> Outcome | None:
        """Return ``ALREADY_THERE`` if the instance is here and whole, else `None`.

        The object is walked over each time; with a checksum, all of it is read. `holds` costs one
        request.

        Raises
        ------
        StorageError
            If the store cannot be read.
        """
        for path in self._paths(reference):
            walked = self._shelf.look(path)
            if walked is None:
                return None
            if walked.whole and reference_in(walked) == reference:
                settled = Settled(OutcomeStatus.ALREADY_THERE, path, walked.size, self._sum(path))
                return kept(reference, settled, str(path), walked)
        return None

    def holds(self, outcome: Outcome, /) -> bool:
        """Return whether what *outcome* tells of is still there, by name and size alone.

        Raises
        ------
        StorageError
            If the store cannot be read.
        """
        path = PurePosixPath(outcome.path)
        if not outcome.path or path.is_absolute() or ".." in path.parts:
            return False
        return self._shelf.size(path) == outcome.size

    def __repr__(self) -> str:
        return f"ObjectStorage({self.url!r}, {self.layout.template!r})"

    def __reduce__(self) -> tuple[object, ...]:
        make = partial(ObjectStorage, checksum=self.checksum, **cast("Any", self.options))
        return make, (self.url, self.layout)

    @cached_property
    def _shelf(self) -> StoreShelf:
        """Where names are given; the store is not asked for anything yet."""
        fsspec: Any = import_module("fsspec")
        with store_errors(self.url):
            files, root = fsspec.url_to_fs(self.url, use_listings_cache=False, **self.options)
        store = STORES[self._protocol](cast("FileSystem", files))
        return StoreShelf(store, str(root).rstrip("/"), self.url, self.layout)

    def _settle(self, new: Newcomer[Spool], reference: InstanceReference) -> Settled[PurePosixPath]:
        for path in self._paths(reference):
            settled = settle(new, path, self._shelf)
            if settled is not None:
                return settled
        raise NotKeptError(
            OutcomeStatus.FAILED, "both names it could have are taken by something else; move that"
        )

    def _paths(self, reference: InstanceReference) -> Iterator[PurePosixPath]:
        """Where the instance belongs; then where it goes if another has that name."""
        path = self.layout.path_of(reference)
        if path is not None:  # the layout is one of UIDs
            yield path
            yield self.layout.second(path, reference.instance_uid)

    def _sum(self, path: PurePosixPath) -> str:
        return checksum_of(self._shelf.at(path), self.checksum) if self.checksum else ""


def _protocol_of(url: str) -> str:
    found = _url(url)
    protocol = found.group(1) if found else ""
    if found is None or protocol not in STORES:
        raise InvalidInputError(
            f"{protocol or 'this'} is no URL of a store that takes an instance whole or not at "
            "all; write s3://BUCKET/PREFIX, or the path of a folder"
        )
    if protocol in {"s3", "s3a"} and not found.group(2).partition("/")[0]:
        raise InvalidInputError(f"{url} names no bucket; write s3://BUCKET/PREFIX")
    return protocol


def _refuse_secrets(url: str, options: Mapping[str, object]) -> None:
    names = sorted(_secrets_in(options))
    if "@" in url:
        names.append("the URL")
    if names:
        raise InvalidInputError(
            f"credentials in {', '.join(names)} would travel with the storage; set them in the "
            "environment (AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY) or in a profile (AWS_PROFILE)"
        )


def _secrets_in(options: Mapping[object, object] | Mapping[str, object]) -> Iterator[str]:
    for name, value in options.items():
        if str(name).casefold() in _SECRETS:
            yield str(name)
        elif isinstance(value, Mapping):
            yield from _secrets_in(cast("Mapping[object, object]", value))


def _find_libraries(protocol: str) -> None:
    try:
        fsspec: Any = import_module("fsspec")
        fsspec.get_filesystem_class(protocol)
    except ImportError as error:
        raise InvalidInputError(
            f"{protocol}:// needs {error.name or 'a library of its own'}, which is not installed; "
            'run: pip install "gurney[objects]"'
        ) from error
