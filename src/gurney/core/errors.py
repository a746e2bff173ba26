"""Everything that gurney raises: one tree, a class for each thing a caller may do about it.

::

    GurneyError
    ├── InvalidInputError            correct the call           (also a ValueError)
    │   ├── InvalidUIDError
    │   ├── DuplicateUIDError
    │   ├── QueryError
    │   │   └── UnsupportedParameterError     use another searcher, or drop the parameter
    │   ├── LayoutError
    │   └── UnknownArchiveError
    ├── DetachedError                put the object into a study first
    ├── NoReferencesFoundError       search deeper and try again
    │   ├── NonSeriesParameterError
    │   └── NonInstanceParameterError
    ├── SearchError                  the search gave no usable answer
    │   └── StudyCountError          narrow or widen the query
    ├── ArchiveUnavailableError      try again later
    │   ├── BusyError                wait as long as it asks for, send less at a time
    │   └── TransferInterruptedError      ask again for what has not come whole
    ├── AuthenticationError          log in, or ask for permission
    ├── NotFoundError                search again: nothing is there under this name
    ├── RequestRefusedError          ask in another form, or for less
    ├── ProtocolViolationError       check the address; else tell those who run the archive
    ├── DownloadError                an instance cannot be had; the others can
    │   └── IncompleteDownloadError  everything else came; ask again for what it names
    ├── StorageError                 make room or change permissions, then run again
    └── BudgetExceededError          raise the budget if the data are trusted

Messages say what was asked, what was found and what to do next. They name UIDs, keywords, hosts
and file names, never a patient: no value of a query or a data set is put into one. All classes
survive pickling, because they are raised in one process and read in another.
"""

from __future__ import annotations

from collections.abc import Mapping

__all__ = [
    "ArchiveUnavailableError",
    "AuthenticationError",
    "BudgetExceededError",
    "BusyError",
    "DetachedError",
    "DownloadError",
    "DuplicateUIDError",
    "GurneyError",
    "IncompleteDownloadError",
    "IncompleteResultWarning",
    "InvalidInputError",
    "InvalidUIDError",
    "LayoutError",
    "NoReferencesFoundError",
    "NonInstanceParameterError",
    "NonSeriesParameterError",
    "NotFoundError",
    "ProtocolViolationError",
    "QueryError",
    "RequestRefusedError",
    "SearchError",
    "StorageError",
    "StudyCountError",
    "TransferInterruptedError",
    "UnknownArchiveError",
    "UnsupportedParameterError",
]


class GurneyError(Exception):
    """Anything gurney raises on purpose."""


class IncompleteResultWarning(UserWarning):
    """A single study was taken from a search that may not have found everything."""


class InvalidInputError(GurneyError, ValueError):
    """The call itself is wrong; the same call can never work."""


class InvalidUIDError(InvalidInputError):
    """A UID that is empty, or holds what a path or a request would misread."""


class DuplicateUIDError(InvalidInputError):
    """Two children of one parent have the same UID."""


class QueryError(InvalidInputError):
    """A query cannot be built from what was given."""


class UnsupportedParameterError(QueryError):
    """A searcher cannot honour a parameter of the query.

    Attributes
    ----------
    parameter
        The parameter that would have been lost, e.g. ``"PatientSex"``.
    """

    def __init__(self, parameter: str, searcher: str) -> None:
        super().__init__(parameter, searcher)
        self.parameter: str = parameter
        self.searcher: str = searcher

    def __str__(self) -> str:
        return (
            f"{self.searcher} does not support {self.parameter}; "
            f"leave it out, or use a searcher that supports it"
        )


class LayoutError(InvalidInputError):
    """A storage layout names something that cannot become a path."""


class UnknownArchiveError(InvalidInputError):
    """No installed backend opens this kind of archive."""


class DetachedError(GurneyError):
    """A series or an instance outside a study was asked where it is."""


class NoReferencesFoundError(GurneyError):
    """An object cannot be expanded to the level asked for.

    Attributes
    ----------
    subject
        The object that has no known children, in the form of its reference.
    wanted
        The level asked for: ``"series"`` or ``"instance"``.
    reason
        Why not, if somebody was asked; else empty.
    """

    def __init__(self, subject: str, wanted: str, reason: str = "") -> None:
        super().__init__(subject, wanted, reason)
        self.subject: str = subject
        self.wanted: str = wanted
        self.reason: str = reason

    def __str__(self) -> str:
        if self.reason:
            return f"{self.subject} cannot be expanded to {self.wanted} level: {self.reason}"
        return (
            f"{self.subject} holds no {self.wanted} references; "
            f"search for it again at {self.wanted} level"
        )


class NonSeriesParameterError(NoReferencesFoundError):
    """A downloader that needs series or instances was given a study."""


class NonInstanceParameterError(NoReferencesFoundError):
    """A downloader that needs instances was given a study or a series."""


class SearchError(GurneyError):
    """A search failed, and nothing can be said about what the archive holds."""


class StudyCountError(SearchError):
    """Exactly one study was wanted, and another number was found.

    Attributes
    ----------
    count
        How many studies were found.
    """

    def __init__(self, count: int) -> None:
        super().__init__(count)
        self.count: int = count

    def __str__(self) -> str:
        advice = "widen" if self.count == 0 else "narrow"
        return f"exactly one study was wanted, {self.count} were found; {advice} the query"


class ArchiveUnavailableError(GurneyError):
    """The archive cannot be reached or read at all; it may be there later."""


class BusyError(ArchiveUnavailableError):
    """The archive answers, but not now: it is overloaded, or something behind it has failed.

    Attributes
    ----------
    asked
        What was asked for, e.g. ``"GET https://archive.example/dicom-web/studies"``.
    status
        Its status code, e.g. 503.
    retry_after
        Seconds the archive asks to wait; `None` if it does not say.
    """

    def __init__(self, asked: str, status: int, retry_after: float | None = None) -> None:
        super().__init__(asked, status, retry_after)
        self.asked: str = asked
        self.status: int = status
        self.retry_after: float | None = retry_after

    def __str__(self) -> str:
        wait = "" if self.retry_after is None else f" in {self.retry_after:.0f} s"
        return (
            f"{self.asked}: the archive is busy or failed (status {self.status}); try again{wait}"
        )


class TransferInterruptedError(ArchiveUnavailableError):
    """An answer stopped before its end; what came whole of it is good.

    Attributes
    ----------
    asked
        What was asked for.
    reason
        How it stopped.
    """

    def __init__(self, asked: str, reason: str) -> None:
        super().__init__(asked, reason)
        self.asked: str = asked
        self.reason: str = reason

    def __str__(self) -> str:
        return f"{self.asked}: {self.reason}; ask again for what is missing"


class AuthenticationError(GurneyError):
    """The archive wants to know who asks, or does not allow it.

    Attributes
    ----------
    asked
        What was asked for.
    reason
        What came instead.
    status
        The status code, if there was one: 401 wants other credentials, 403 permission.
    """

    def __init__(self, asked: str, reason: str, status: int | None = None) -> None:
        super().__init__(asked, reason, status)
        self.asked: str = asked
        self.reason: str = reason
        self.status: int | None = status

    def __str__(self) -> str:
        return f"{self.asked}: {self.reason}"


class NotFoundError(GurneyError):
    """The archive has nothing under the name that was asked for.

    Attributes
    ----------
    asked
        What was asked for.
    status
        The status code: 404, or 410 for what has been there.
    """

    def __init__(self, asked: str, status: int) -> None:
        super().__init__(asked, status)
        self.asked: str = asked
        self.status: int = status

    def __str__(self) -> str:
        return (
            f"{self.asked}: not found (status {self.status}); search for it again,"
            f" and check the archive's address"
        )


class RequestRefusedError(GurneyError):
    """The archive does not do this as it was asked; another form, or a smaller one, may work.

    Attributes
    ----------
    asked
        What was asked for.
    status
        The status code, e.g. 400, 406 or 413.
    """

    def __init__(self, asked: str, status: int) -> None:
        super().__init__(asked, status)
        self.asked: str = asked
        self.status: int = status

    def __str__(self) -> str:
        return f"{self.asked}: refused (status {self.status}); ask in another form, or for less"


class ProtocolViolationError(GurneyError):
    """What answers does not keep to the protocol; perhaps it is another service altogether.

    Attributes
    ----------
    asked
        What was asked for.
    reason
        What came instead.
    """

    def __init__(self, asked: str, reason: str) -> None:
        super().__init__(asked, reason)
        self.asked: str = asked
        self.reason: str = reason

    def __str__(self) -> str:
        return f"{self.asked}: {self.reason}"


class DownloadError(GurneyError):
    """An instance cannot be had.

    Attributes
    ----------
    subject
        The instance (or whatever was asked for), in the form of its reference.
    reason
        Why, in words that name no patient.
    """

    def __init__(self, subject: str, reason: str) -> None:
        super().__init__(subject, reason)
        self.subject: str = subject
        self.reason: str = reason

    def __str__(self) -> str:
        return f"{self.subject} could not be downloaded: {self.reason}"


class IncompleteDownloadError(DownloadError):
    """Everything that could be had has been delivered, and something is missing.

    Attributes
    ----------
    missing
        What did not come, in the form of references, with the reason for each.
    """

    def __init__(self, missing: Mapping[str, str]) -> None:
        super().__init__(*next(iter(missing.items())))
        self.missing: Mapping[str, str] = missing

    def __reduce__(self) -> tuple[type[IncompleteDownloadError], tuple[Mapping[str, str]]]:
        return type(self), (self.missing,)

    def __str__(self) -> str:
        return (
            f"{len(self.missing)} instances are missing, all others were delivered; "
            f"the first is {self.subject}: {self.reason}"
        )


class StorageError(GurneyError):
    """The place where instances go cannot take one."""


class BudgetExceededError(GurneyError):
    """Input grew beyond a limit that guards memory, disk or time."""
