"""The URL of a DIMSE archive, taken apart. A password in it is refused, and never repeated."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, cast, get_args
from urllib.parse import SplitResult

import attrs

from ..core import InvalidInputError
from ..logins import split_url, url_options
from .archive import Retrieve, Root

__all__ = ["ArchiveURL", "ReceiverAddress"]

_PORTS: Final = {"dimse": 104, "dimse+tls": 2762}  # PS3.8 9.1.1, PS3.15 B.1
_FORM: Final = "dimse://CALLED@host:port?calling=CALLING&option=value"
_OPTIONS: Final = (
    "calling", "retrieve", "receiver", "destination", "root", "associations", "user",
)  # fmt: skip


@attrs.frozen
class ReceiverAddress:
    """Where we receive.

    Examples
    --------
    >>> ReceiverAddress.parse("0.0.0.0:11113")
    ReceiverAddress(host='0.0.0.0', port=11113)
    """

    host: str = "127.0.0.1"
    port: int = 11112

    @classmethod
    def parse(cls, text: str) -> ReceiverAddress:
        """Return what *text* says, ``host:port``, or one of the two.

        Raises
        ------
        InvalidInputError
            If it is malformed.
        """
        if text.isascii() and text.isdigit():
            host, port = cls().host, text
        else:
            host, port = _host_and_port(text, str(cls().port))
        if not host or not _is_port(port):
            raise InvalidInputError("receiver is host:port, a host, or a port from 1 to 65535")
        return cls(host, int(port))


@attrs.frozen
class ArchiveURL:
    """What a URL says of an archive.

    Attributes
    ----------
    host, port, called, calling, associations
        As `gurney.dimse.Peer` takes them.
    tls
        Whether to use TLS.
    retrieve, root
        As `gurney.dimse.DIMSEArchive` takes them.
    receiver
        Where we receive what C-MOVE sends; `None` if it does not say.
    destination
        The AE title by which the archive knows that.
    user
        Who to be; empty if it does not say.

    Examples
    --------
    >>> url = ArchiveURL.parse("dimse+tls://ARCHIVE@archive.example?calling=ME&retrieve=get")
    >>> url.called, url.host, url.port, url.tls, url.calling, url.retrieve
    ('ARCHIVE', 'archive.example', 2762, True, 'ME', 'get')
    """

    host: str
    port: int
    called: str
    tls: bool = False
    calling: str = "GURNEY"
    associations: int | None = None
    retrieve: Retrieve = "auto"
    root: Root = "study"
    receiver: ReceiverAddress | None = None
    destination: str = "GURNEY"
    user: str = attrs.field(default="", repr=False)

    @classmethod
    def parse(cls, url: str) -> ArchiveURL:
        """Return what *url* says.

        Raises
        ------
        InvalidInputError
            If it is malformed, does not name the archive's AE title, holds a password, or an option
            that there is not.
        """
        parts, called = split_url(url, _PORTS, _FORM, "DIMSE")
        options = url_options(parts.query, _OPTIONS)
        if not called:
            raise InvalidInputError(f"the URL does not say the archive's AE title: write {_FORM}")
        if parts.path not in ("", "/"):
            raise InvalidInputError(f"the URL of a DIMSE archive has no path: write {_FORM}")
        host, port = _place(parts)
        calling = options.get("calling", "GURNEY")
        receiver = _receiver(options)
        return cls(
            host,
            port,
            called,
            tls=parts.scheme == "dimse+tls",
            calling=calling,
            associations=_associations(options),
            retrieve=cast("Retrieve", _one_of("retrieve", options, get_args(Retrieve))),
            root=cast("Root", _one_of("root", options, get_args(Root))),
            receiver=receiver,
            destination=options.get("destination", calling),
            user=options.get("user", ""),
        )

    @property
    def usual_port(self) -> int:
        """The port that such an archive has if its URL names none."""
        return _PORTS["dimse+tls" if self.tls else "dimse"]


def _place(parts: SplitResult) -> tuple[str, int]:
    host, port = _host_and_port(parts.netloc.rpartition("@")[2], str(_PORTS[parts.scheme]))
    if not host or not _is_port(port):
        raise InvalidInputError(f"the URL names no host, or no port from 1 to 65535: write {_FORM}")
    return host, int(port)


def _receiver(options: Mapping[str, str]) -> ReceiverAddress | None:
    if "receiver" in options:
        return ReceiverAddress.parse(options["receiver"])
    return ReceiverAddress() if "destination" in options else None


def _host_and_port(text: str, usual: str) -> tuple[str, str]:
    """Take ``host``, ``host:port``, ``[::1]`` or ``[::1]:port`` apart; the host may be empty."""
    if text.startswith("["):
        host, _, rest = text[1:].partition("]")
        return host, rest.removeprefix(":") if rest.startswith(":") else usual + rest
    host, colon, port = text.partition(":")
    return host, port if colon else usual


def _is_port(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 5 and 1 <= int(text) <= 65535


def _one_of(name: str, options: Mapping[str, str], known: tuple[str, ...]) -> str:
    value = options.get(name, known[0])
    if value not in known:
        raise InvalidInputError(f"{name} is one of {', '.join(known)}")
    return value


def _associations(options: Mapping[str, str]) -> int | None:
    text = options.get("associations")
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and 1 <= len(text) <= 3 and int(text)):
        raise InvalidInputError("associations is how many there may be at a time, 1 to 999")
    return int(text)
