"""Archives that move nothing: what they may mean by it, and what to do."""

from __future__ import annotations

from typing import Final as Constant

from ...core import GurneyError, RequestRefusedError, TransferInterruptedError
from ..retrieving import Final, meaning
from .receiver import Receiver

__all__ = ["DestinationUnknownError", "NothingMovedError", "Suspicion"]

_DESTINATION_UNKNOWN: Constant = 0xA801  # PS3.4 Table C.4-2
_UNABLE: Constant = range(0xC000, 0xD000)
_FAILED: Constant = (0xA702, 0xB000)
_MANY: Constant = 20  # requests in a row by which nothing at all has come
_ABORTS: Constant = 5  # of those, such as have ended in an abort


class DestinationUnknownError(RequestRefusedError):
    """The archive does not know where to move to (D15).

    Attributes
    ----------
    receiver
        Under which title, host and port the archive has to know the receiver.
    """

    def __init__(self, asked: str, status: int, receiver: str) -> None:
        super().__init__(asked, status)
        self.receiver: str = receiver

    def __reduce__(self) -> tuple[type[DestinationUnknownError], tuple[str, int, str]]:
        return type(self), (self.asked, self.status, self.receiver)

    def __str__(self) -> str:
        said = f" (status 0x{self.status:04X})" if self.status else ", it seems: nothing ever came"
        return (
            f"{self.asked}: the archive does not know the move destination{said};"
            f" {_advice(self.receiver)}"
        )


class NothingMovedError(GurneyError):
    """The archive has failed, and does not say why: other questions may bring more.

    Attributes
    ----------
    asked
        What was asked for.
    status
        The status code.
    receiver
        Under which title, host and port the archive has to know the receiver.
    """

    def __init__(self, asked: str, status: int, receiver: str) -> None:
        super().__init__(asked, status, receiver)
        self.asked: str = asked
        self.status: int = status
        self.receiver: str = receiver

    def __str__(self) -> str:
        return (
            f"{self.asked}: nothing was moved: {meaning(self.status)}; if nothing ever comes, the"
            f" archive may not know the move destination, or not reach it: {_advice(self.receiver)}"
        )


class Suspicion:
    """Whether the archive knows where to move to, as far as one download can tell (D15).

    Some archives say that they do not; others fail, or abort, as they do for other reasons.

    Parameters
    ----------
    receiver
        The move destination.
    """

    def __init__(self, receiver: Receiver) -> None:
        self._receiver: Receiver = receiver
        self._cleared: bool = False  # something has come
        self._certain: int = 0  # the status that says so
        self._fruitless: int = 0
        self._aborted: int = 0

    def check(self, asked: str) -> None:
        """Raise `DestinationUnknownError` if it is of no use to ask."""
        doubtful = self._fruitless >= _MANY or self._aborted >= _ABORTS
        if self._certain or (doubtful and not self._cleared):
            raise DestinationUnknownError(asked, self._certain, self._name())

    def clear(self) -> None:
        """Take note that something has come."""
        self._cleared = True

    def judge(self, asked: str, final: Final) -> None:
        """Raise what a final response means by which nothing was moved, if it says so."""
        if final.status == _DESTINATION_UNKNOWN:
            self._certain = final.status
            self.check(asked)
        if self._cleared or final.completed or final.status is None:
            return
        unable = final.status in _UNABLE
        self._fruitless += unable
        if unable or final.status in _FAILED:
            raise NothingMovedError(asked, final.status, self._name())

    def aborted(self, error: TransferInterruptedError) -> TransferInterruptedError:
        """Return what it may mean that the archive ended the association instead of moving."""
        if self._cleared:
            return error
        self._fruitless += 1
        self._aborted += 1
        reason = f"{error.reason}, before anything came; it may not know the move destination"
        return TransferInterruptedError(error.asked, f"{reason} ({_advice(self._name())})")

    def _name(self) -> str:
        receiver = self._receiver
        everywhere = receiver.host in ("", "0.0.0.0", "::")
        host = "of this machine" if everywhere else receiver.host
        return f"AE title {receiver.ae_title}, host {host}, port {receiver.port}"


def _advice(receiver: str) -> str:
    return f"have those who run the archive register it: {receiver}"
