"""What went wrong with an association, in our words: the place where foreign exceptions end."""

from __future__ import annotations

import socket
import ssl

from pydicom.uid import UID

from ...core import (
    ArchiveUnavailableError,
    AuthenticationError,
    BusyError,
    GurneyError,
    ProtocolViolationError,
    RequestRefusedError,
    TransferInterruptedError,
)

__all__ = [
    "ContextRefusedError",
    "RejectedForNowError",
    "ReleasedError",
    "TurnedAwayError",
    "aborted",
    "failure_of_connection",
    "failure_of_transfer",
    "rejected",
]


class ContextRefusedError(RequestRefusedError):
    """The other side does not take part in what was proposed to it (D28).

    Attributes
    ----------
    abstract_syntax
        UID of the SOP class that was refused.
    status
        Why: 1 or 2 for no reason given, 3 for the SOP class, 4 for its transfer syntaxes; 0 if it
        did not answer, or granted no role.
    """

    def __init__(self, asked: str, status: int, abstract_syntax: str) -> None:
        super().__init__(asked, status)
        self.abstract_syntax: str = abstract_syntax

    def __reduce__(self) -> tuple[type[ContextRefusedError], tuple[str, int, str]]:
        return type(self), (self.asked, self.status, self.abstract_syntax)

    def __str__(self) -> str:
        why = _REFUSALS.get(self.status, "it gives no reason")
        return (
            f"{self.asked}: {UID(self.abstract_syntax).name} was not accepted, {why};"
            " try the other of C-GET and C-MOVE (`retrieve`), or have those who run the archive"
            " allow it"
        )


class RejectedForNowError(BusyError):
    """The archive takes no association at the moment.

    Attributes
    ----------
    status
        Source and reason of the rejection, e.g. 0x0302 for a limit that is reached.
    """

    def __str__(self) -> str:
        source, reason = divmod(self.status, 256)
        words = _BUSY.get((source, reason), "it gives no reason")
        return f"{self.asked}: the association was rejected for now, {words}; try again later"


class ReleasedError(TransferInterruptedError):
    """The other side has ended the association, between two messages and in good order."""


class TurnedAwayError(AuthenticationError):
    """Somebody asked us for an association, and was not let in."""


_REFUSALS = {
    0: "it does not grant what was proposed",
    3: "it does not know this SOP class, or does not offer it",
    4: "it accepts none of the proposed transfer syntaxes",
}
_BUSY = {
    (3, 1): "its line is congested",
    (3, 2): "it has as many associations as it allows",
}
_ABORTS = {
    1: "it met a PDU that it does not know",
    2: "it met a PDU that it did not expect",
    4: "it met a parameter that it does not know",
    5: "it met a parameter that it did not expect",
    6: "it met a parameter with an invalid value",
}
_LOST_TLS = (ssl.SSLEOFError, ssl.SSLZeroReturnError, ssl.SSLSyscallError)


def rejected(
    asked: str, result: int, source: int, reason: int, *, called: str, calling: str
) -> GurneyError:
    """Return what a rejection (PS3.8 9.3.4) means for the one who asked."""
    if result == 2 or source == 3:
        return RejectedForNowError(asked, source << 8 | reason)
    if (source, reason) == (1, 7):
        return AuthenticationError(
            asked, f"no AE has the title {called} there; check the called AE title"
        )
    if (source, reason) == (1, 3):
        return AuthenticationError(
            asked,
            f"it does not know the AE title {calling}; have those who run the archive register"
            " it, or use the calling AE title that they gave you",
        )
    if source == 1 and reason != 2:
        return AuthenticationError(
            asked,
            "the association was rejected without a reason; check AE titles, user identity, and"
            " whether this machine's address may connect",
        )
    return ProtocolViolationError(
        asked, "it does not support DICOM's application context or version; check the address"
    )


def aborted(asked: str, source: int, reason: int) -> TransferInterruptedError:
    """Return what an abort (PS3.8 9.3.8) means."""
    if source == 2 and reason in _ABORTS:
        return TransferInterruptedError(asked, f"the association was aborted: {_ABORTS[reason]}")
    return TransferInterruptedError(asked, "the association was aborted by the other side")


def failure_of_connection(asked: str, error: OSError) -> GurneyError:
    """Return why there is no connection."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return AuthenticationError(
            asked,
            f"its certificate is not trusted ({error.verify_message}); pass the file of the"
            " authority that signed it as `ca`, or the name in it as `server_name`",
        )
    if isinstance(error, ssl.SSLError) and not isinstance(error, _LOST_TLS):
        if "ALERT" in (error.reason or ""):
            return AuthenticationError(
                asked,
                f"it ended the TLS handshake ({error.reason}); it may want a certificate (`cert`)",
            )
        return ProtocolViolationError(
            asked, f"no TLS connection ({error.reason}); check the port, and whether it has TLS"
        )
    return ArchiveUnavailableError(f"{asked}: {_in_words(error)}")


def failure_of_transfer(asked: str, error: OSError) -> GurneyError:
    """Return why a connection has stopped."""
    if isinstance(error, TimeoutError):
        return TransferInterruptedError(asked, "the other side fell silent")
    if isinstance(error, ssl.SSLError) and not isinstance(error, _LOST_TLS):
        return failure_of_connection(asked, error)
    return TransferInterruptedError(asked, "the connection was lost")


def _in_words(error: OSError) -> str:
    if isinstance(error, socket.gaierror):
        return "its name leads to no address; check the name of the host"
    if isinstance(error, ConnectionRefusedError):
        return "nothing accepts connections there; check host and port, and that the archive runs"
    if isinstance(error, TimeoutError):
        return "no connection in time; check host and port, or try again later"
    if isinstance(error, (*_LOST_TLS, ConnectionResetError)):
        return "the TLS handshake broke off; check the port, and whether TLS is spoken there at all"
    return "no connection; check host and port, or try again later"
