"""A storage that has something done to each instance before it is kept: de-identification."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from typing import TypeAlias

import attrs
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import UID

from gurney.core import (
    DICOMFile,
    DownloadError,
    InstanceReference,
    InvalidInputError,
    Outcome,
    OutcomeStatus,
    Storage,
    Walked,
    decode,
    encode,
    put,
    subset,
    text,
    unique,
    walk,
)

from .arrival import file_from, identify, named, pieces, reference_in
from .disk import NotKeptError
from .telling import not_kept

__all__ = ["Transform", "TransformingStorage"]

Transform: TypeAlias = Callable[[Dataset], Dataset | None]
"""Takes a data set, and gives the one to be kept, which may be the same; `None` for neither."""


class TransformingStorage(Storage):
    """Has *transform* done to each whole instance, and *storage* keep what comes of it.

    The outcome names the instance that was asked for, and under ``stored_as`` the one that was
    kept if *transform* gave it other UIDs. ``WITHHELD`` means that *transform* returned `None`.
    If it raises, the instance has ``FAILED``; the class of the exception is told, its text is not,
    because that may hold anything.

    The file is written anew: its file meta says what the data set says, in the transfer syntax in
    which it came, unless *transform* has put another into ``file_meta``. Nothing else of the old
    file meta is kept, as titles of machines would be. An instance is in memory as a whole.

    Parameters
    ----------
    storage
        Where to. Nothing but what has been transformed should go there.
    transform
        Called from several threads at a time; it may change its argument, and gives up what it
        returns. Have it give the same for the same instance each time, in any process: from a
        secret seed, rather than at random. Then what comes again is ``ALREADY_THERE``, and one
        study stays one study. To travel to other processes it has to be picklable: a function at
        the top of a module, for one.

    Raises
    ------
    InvalidInputError
        When it is pickled, if *transform* cannot be.

    Examples
    --------
    A de-identifier, in the smallest form there is. Whoever needs one for patients takes one of
    those that know PS3.15 annex E.

    >>> import hmac
    >>> from gurney.testing import MemoryStorage, example_datasets
    >>> def pseudonymize(dataset):
    ...     if dataset.get("BurnedInAnnotation") == "YES":
    ...         return None  # a name may be in the pixels
    ...     for keyword in ("StudyInstanceUID", "SeriesInstanceUID", "SOPInstanceUID"):
    ...         digest = hmac.digest(b"a secret", dataset[keyword].value.encode(), "sha256")
    ...         dataset[keyword].value = f"2.25.{int.from_bytes(digest[:16], 'big')}"
    ...     dataset.PatientName = dataset.PatientID = "anonymous"
    ...     return dataset
    >>> kept = MemoryStorage()
    >>> outcome = TransformingStorage(kept, pseudonymize).store(example_datasets()[0])
    >>> outcome.status.value, str(outcome.reference)
    ('stored', '2.25.4001/2.25.400101/2.25.400101001')
    >>> outcome.stored_as in kept.files
    True

    References
    ----------
    DICOM PS3.15 annex E, attribute confidentiality profiles; PS3.10 7.1, file meta information.
    """

    def __init__(self, storage: Storage, transform: Transform) -> None:
        self.storage: Storage = storage
        self.transform: Transform = transform

    def store(self, item: DICOMFile | Dataset, /) -> Outcome:
        """Transform *item* and keep it, whole or not at all, and say what became of it.

        Raises
        ------
        StorageError
            If nothing more can be stored.
        """
        file, walked = file_from(item), None
        try:
            content = b"".join(pieces(file))
            walked = walk([content])
            asked = identify(file, walked)
            transformed = self._transformed(content[: walked.end], asked)  # without padding
        except NotKeptError as problem:
            return not_kept(problem, named(item, walked), file, walked)
        outcome = self.storage.store(_file(transformed, file))
        return _as_asked(outcome, asked, walked)

    def find(self, reference: InstanceReference, /) -> Outcome | None:  # noqa: ARG002
        """Return `None`: what *reference* was made into, only its data set can tell.

        So it is fetched again, and then ``ALREADY_THERE``, if *transform* gives what it gave.
        """
        return None

    def holds(self, outcome: Outcome, /) -> bool:
        """Return whether what *outcome* tells of is still there; what was withheld always is.

        Raises
        ------
        StorageError
            If the storage cannot be read.
        """
        if outcome.status is OutcomeStatus.WITHHELD:
            return True
        holds: Callable[[Outcome], bool] | None = getattr(self.storage, "holds", None)
        if holds is not None:
            return holds(outcome)
        kept = outcome.stored_as or outcome.reference
        return isinstance(kept, InstanceReference) and self.storage.find(kept) is not None

    def __repr__(self) -> str:
        return f"TransformingStorage({self.storage!r}, {_name_of(self.transform)})"

    def __reduce__(self) -> tuple[object, ...]:
        try:
            pickle.dumps(self.transform)
        except Exception as error:  # pickle raises three classes, and what objects raise themselves
            raise InvalidInputError(
                f"the transform {_name_of(self.transform)} cannot travel to another process "
                f"({type(error).__name__}); make it a function at the top of a module, or an "
                "object that can be pickled"
            ) from error
        return TransformingStorage, (self.storage, self.transform)

    def _transformed(self, content: bytes, asked: InstanceReference) -> bytes:
        """Return the file of what *transform* makes of *content*."""
        try:
            dataset = decode(content, str(asked))
        except DownloadError as error:
            raise NotKeptError(OutcomeStatus.FAILED, error.reason) from error
        syntax, encoding = _syntax_of(dataset), dataset.original_encoding
        name = _name_of(self.transform)
        try:
            transformed = self.transform(dataset)
        except (Exception, SystemExit, GeneratorExit) as error:  # it is a stranger's
            reason = f"the transform {name} raised {type(error).__name__}; nothing was kept"
            raise NotKeptError(OutcomeStatus.FAILED, reason) from error
        if transformed is None:
            reason = f"the transform {name} wants it not to be kept"
            raise NotKeptError(OutcomeStatus.WITHHELD, reason)
        try:
            return encode(_with_new_meta(transformed, syntax, encoding), done_with=True)
        except InvalidInputError as error:
            reason = f"of what the transform {name} gave: {error}"
            raise NotKeptError(OutcomeStatus.FAILED, reason) from error


def _with_new_meta(
    dataset: Dataset, syntax: str, encoding: tuple[bool | None, bool | None]
) -> Dataset:
    """Return *dataset* with file meta of its own: writing it adds what follows from the rest."""
    chosen = UID(_syntax_of(dataset))
    if chosen.is_valid and chosen.is_transfer_syntax:
        syntax = chosen
    whole = subset(dataset, lambda _: True)
    if None in whole.original_encoding:
        whole.set_original_encoding(*encoding)
    whole.file_meta = FileMetaDataset()
    if syntax:
        put(whole.file_meta, "TransferSyntaxUID", [syntax])
    return whole


def _syntax_of(dataset: Dataset) -> str:
    return text(getattr(dataset, "file_meta", Dataset()), "TransferSyntaxUID")


def _file(content: bytes, came: DICOMFile) -> DICOMFile:
    """Return *content* as what came so."""
    return DICOMFile(
        iter([content]),
        reference_in(walk([content])),
        protocol=came.protocol,
        size=len(content),
        retries=came.retries,
    )


def _as_asked(outcome: Outcome, asked: InstanceReference, came: Walked) -> Outcome:
    """Return *outcome* as that of the instance that was *asked* for."""
    kept = outcome.reference if outcome.path else None
    return attrs.evolve(
        outcome,
        reference=asked,
        stored_as=kept if isinstance(kept, InstanceReference) and kept != asked else None,
        transfer_syntax=came.transfer_syntax,
        notes=tuple(unique([*came.oddities, *outcome.notes])),
    )


def _name_of(transform: Transform) -> str:
    return getattr(transform, "__qualname__", type(transform).__qualname__)
