"""What went wrong, in our words: the one place where foreign exceptions and status codes end.

Foreign exceptions quote whole URLs, headers and bytes of the answer, which may name patients or
hold credentials. So only their root is passed on as a cause: what the system or TLS said.
"""

from __future__ import annotations

import http.client
import socket
import ssl
import time
from collections.abc import Iterator, Mapping
from email.utils import parsedate_to_datetime

import requests.exceptions as theirs
from urllib3.exceptions import HTTPError, InvalidHeader, LocationParseError, ReadTimeoutError

from ..core import (
    ArchiveUnavailableError,
    AuthenticationError,
    BusyError,
    GurneyError,
    InvalidInputError,
    NotFoundError,
    ProtocolViolationError,
    RequestRefusedError,
    TransferInterruptedError,
)

__all__ = ["FOREIGN", "cause_of", "failure_of_request", "failure_of_status", "failure_of_transfer"]

FOREIGN = (OSError, HTTPError, http.client.HTTPException)
"""What requests and urllib3 raise; the exceptions of requests are `OSError`s."""

_BUSY = {408, 424, 425, 429, 500}
_OURS = (
    theirs.InvalidURL,
    theirs.MissingSchema,
    theirs.InvalidSchema,
    theirs.InvalidHeader,
    LocationParseError,
)


def failure_of_status(asked: str, status: int, headers: Mapping[str, str]) -> GurneyError | None:
    """Return what a status code means for the one who asked; `None` if it is an answer."""
    if 200 <= status < 300 or status == 304:
        return None
    if status in (401, 407, 511):
        return AuthenticationError(
            asked, f"status {status}: log in; the credentials are missing or not accepted", status
        )
    if status == 403:
        return AuthenticationError(asked, "status 403: it needs a permission you lack", status)
    if status in (404, 410):
        return NotFoundError(asked, status)
    if status in _BUSY or (500 < status < 600 and status not in (501, 505)):
        return BusyError(asked, status, _retry_after(headers))
    if 400 <= status < 600:
        return RequestRefusedError(asked, status)
    return ProtocolViolationError(asked, f"status {status} is no answer to it")


def failure_of_request(asked: str, error: Exception) -> GurneyError:
    """Return why there is no answer."""
    if any(isinstance(link, InvalidHeader) for link in _chain(error)):
        return ProtocolViolationError(asked, "the headers of the answer contradict each other")
    if isinstance(error, _OURS):
        return InvalidInputError(f"{asked}: its address or a header of it is malformed")
    root = _root_of(error)
    if isinstance(root, ssl.SSLError) and not isinstance(root, _LOST_TLS):
        return _failure_of_tls(asked, root)
    if isinstance(root, http.client.HTTPException) and not isinstance(root, ConnectionError):
        return ProtocolViolationError(asked, "what answers there does not speak HTTP; check it")
    if isinstance(error, OSError) and not isinstance(error, theirs.RequestException):
        return InvalidInputError(
            f"{asked}: a file it needs cannot be read; look at `verify`, `cert` and `auth`"
        )
    return ArchiveUnavailableError(f"{asked}: {_in_words(error, root)}; try again later")


def failure_of_transfer(asked: str, error: Exception) -> GurneyError:
    """Return why an answer has stopped."""
    if any(isinstance(link, (ReadTimeoutError, TimeoutError)) for link in _chain(error)):
        return TransferInterruptedError(asked, "the archive fell silent in the middle of an answer")
    if any(isinstance(link, http.client.IncompleteRead) for link in _chain(error)):
        return TransferInterruptedError(asked, "the answer is shorter than the archive said")
    return TransferInterruptedError(asked, "the connection was lost in the middle of an answer")


def cause_of(error: Exception) -> BaseException | None:
    """Return what the system or TLS said, without what was made of it on the way to us."""
    root = _root_of(error)
    return root if isinstance(root, OSError) else None


def _root_of(error: Exception) -> BaseException | None:
    """Return what the system, TLS or the parser of HTTP said; the last quotes what it read."""
    modules = ("builtins", "socket", "ssl", "http.client")
    return next((link for link in _chain(error) if type(link).__module__ in modules), None)


_LOST_TLS = (ssl.SSLEOFError, ssl.SSLZeroReturnError, ssl.SSLSyscallError)


def _chain(error: BaseException) -> Iterator[BaseException]:
    """Yield an exception and what led to it; some only hold that among their arguments."""
    link: BaseException | None = error
    while link is not None:
        yield link
        held = (arg for arg in link.args if isinstance(arg, BaseException))
        link = link.__cause__ or link.__context__ or next(held, None)


def _failure_of_tls(asked: str, root: ssl.SSLError) -> GurneyError:
    if isinstance(root, ssl.SSLCertVerificationError):
        return AuthenticationError(
            asked,
            f"its certificate is not trusted ({root.verify_message}); pass the file of the"
            " authority that signed it as `verify`",
        )
    if "ALERT" in (root.reason or ""):
        return AuthenticationError(
            asked, f"it ended the TLS handshake ({root.reason}); it may want a certificate (`cert`)"
        )
    return ProtocolViolationError(
        asked, f"no TLS connection ({root.reason}); check the scheme and port of the address"
    )


def _in_words(error: Exception, root: BaseException | None) -> str:
    """Say what has happened; without a name from outside."""
    if isinstance(error, theirs.ProxyError):
        return "the proxy gives no connection to it"
    if isinstance(root, socket.gaierror):
        return "its name leads to no address"
    if isinstance(root, ConnectionRefusedError):
        return "nothing accepts connections there"
    if isinstance(error, theirs.ConnectTimeout):
        return "it could not be reached in time"
    if isinstance(root, TimeoutError):
        return "it did not answer in time"
    return f"the connection failed ({type(root or error).__name__})"


def _retry_after(headers: Mapping[str, str]) -> float | None:
    """Return the seconds of Retry-After, given as a number or as a date (RFC 9110 10.2.3)."""
    text = headers.get("retry-after", "").strip()
    if text.isascii() and text.isdigit() and len(text) < 10:
        return float(text)
    then = _timestamp(text)
    if then is None:
        return None
    now = _timestamp(headers.get("date", ""))  # by the clock that the date is from
    return max(0.0, then - (time.time() if now is None else now))


def _timestamp(date: str) -> float | None:
    try:
        return parsedate_to_datetime(date).timestamp()
    except (TypeError, ValueError, OverflowError):
        return None
