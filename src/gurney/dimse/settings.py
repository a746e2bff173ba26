"""Whom to talk to, and how: titles, TLS, timeouts, identity. Checked when built."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Final

import attrs
from attrs import Attribute
from attrs.validators import gt

from ..core import InvalidInputError
from ..manners import Retries

__all__ = ["Peer", "Retries", "TLS", "Timeouts", "UserIdentity", "ae_title"]

_LONGEST_TITLE: Final = 16
_LONGEST_FIELD: Final = 0xFFF0  # bytes; the length of a field of an item has 16 bits


def ae_title(title: str) -> str:
    """Return *title* without the spaces around it, which mean nothing (PS3.5 6.2, VR AE).

    Raises
    ------
    InvalidInputError
        If it has not 1 to 16 characters of printable ASCII, or holds a backslash.

    Examples
    --------
    >>> ae_title("  ORTHANC ")
    'ORTHANC'
    """
    stripped = _text(title, "an AE title").strip(" ")
    printable = stripped.isascii() and stripped.isprintable()
    if 1 <= len(stripped) <= _LONGEST_TITLE and printable and "\\" not in stripped:
        return stripped
    raise InvalidInputError(
        f"an AE title has 1 to {_LONGEST_TITLE} characters of printable ASCII and no backslash;"
        f" {title!r} does not"
    )


@attrs.frozen
class Timeouts:
    """How long to wait, in seconds. There is no limit to the whole of a transfer.

    Attributes
    ----------
    connect
        For the connection, and for TLS; for who connects to a receiver, to say what it wants.
    answer
        For an answer, or between two: an archive may have to fetch from tape (D17).
    idle
        Of silence inside a message. An answer to a proposed association, and a response once it
        has begun, have to come whole in this time.
    release
        For the other side to agree to the end of an association.
    """

    connect: float = attrs.field(default=10.0, validator=gt(0.0))
    answer: float = attrs.field(default=600.0, validator=gt(0.0))
    idle: float = attrs.field(default=60.0, validator=gt(0.0))
    release: float = attrs.field(default=5.0, validator=gt(0.0))


def _text(value: object, what: str) -> str:
    if not isinstance(value, str):
        raise InvalidInputError(f"{what} is text, not {type(value).__name__}")
    return value


def _whole(least: int, most: int | None = None) -> Callable[[object, Attribute[int], object], None]:
    """Return what checks that a field is a whole number in these bounds."""

    def check(_: object, field: Attribute[int], value: object) -> None:
        right = isinstance(value, int) and value >= least and (most is None or value <= most)
        if not right:
            upto = "or more" if most is None else f"to {most}"
            raise InvalidInputError(f"{field.name} is a whole number, {least} {upto}; correct it")

    return check


def _of(kind: type, *, optional: bool = False) -> Callable[[object, Attribute[Any], object], None]:
    """Return what checks that a field is of this type."""

    def check(_: object, field: Attribute[Any], value: object) -> None:
        if not isinstance(value, kind) and not (optional and value is None):
            found = type(value).__name__
            raise InvalidInputError(f"{field.name} is a {kind.__name__}, not {found}; correct it")

    return check


def _path(path: str | Path | None) -> Path | None:
    return None if path is None else Path(path)


@attrs.frozen
class TLS:
    """How a connection is secured (PS3.15 annex B, BCP 195): TLS 1.2 or later.

    Attributes
    ----------
    ca
        PEM file of the authorities to trust; `None` for those of the system.
    cert
        PEM file of the own certificate and those between it and the authority.
    key
        PEM file of its key, unencrypted; `None` if it is in the same file.
    server_name
        The name that the archive's certificate has to bear; `None` for its host.
    verify
        Whether to look at the certificate of the other side at all. Without it anyone in between
        can read and change everything.
    """

    ca: Path | None = attrs.field(default=None, converter=_path)
    cert: Path | None = attrs.field(default=None, converter=_path)
    key: Path | None = attrs.field(default=None, converter=_path, repr=False)
    server_name: str | None = None
    verify: bool = True

    def __attrs_post_init__(self) -> None:
        if self.key is not None and self.cert is None:
            raise InvalidInputError("a key for TLS is of no use without its certificate (`cert`)")

    def context(self, *, server_side: bool = False) -> ssl.SSLContext:
        """Return what secures a connection.

        Parameters
        ----------
        server_side
            Whether connections are accepted; then a certificate is asked of the other side too,
            if `verify` says so.

        Raises
        ------
        InvalidInputError
            If a file cannot be read, or the acceptor has no certificate.
        """
        if server_side and self.cert is None:
            raise InvalidInputError("whoever accepts TLS needs a certificate (`cert`)")
        context = ssl.SSLContext(
            ssl.PROTOCOL_TLS_SERVER if server_side else ssl.PROTOCOL_TLS_CLIENT
        )
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if not self.verify:
            context.check_hostname = False
        context.verify_mode = ssl.CERT_REQUIRED if self.verify else ssl.CERT_NONE
        try:
            self._load(context, server_side=server_side)
        except OSError as error:  # so are the errors of ssl
            raise InvalidInputError(
                "a file for TLS cannot be read, or is no PEM; look at `ca`, `cert` and `key`"
            ) from error
        return context

    def _load(self, context: ssl.SSLContext, *, server_side: bool) -> None:
        if self.verify and self.ca is not None:
            context.load_verify_locations(self.ca)
        elif self.verify:
            purpose = ssl.Purpose.CLIENT_AUTH if server_side else ssl.Purpose.SERVER_AUTH
            context.load_default_certs(purpose)
        if self.cert is not None:
            # an empty password: an encrypted key is an error, not a question at the terminal
            context.load_cert_chain(self.cert, self.key, password="")


@attrs.frozen
class UserIdentity:
    """Who asks (PS3.7 D.3.3.7): a user name, one with a password, or one ticket or token.

    Attributes
    ----------
    username, password
        The password may be left out.
    kerberos
        A service ticket.
    saml
        An assertion, as XML.
    jwt
        A JSON Web Token.
    """

    username: str | None = None
    password: str | None = attrs.field(default=None, repr=False)
    kerberos: bytes | None = attrs.field(default=None, repr=False)
    saml: str | None = attrs.field(default=None, repr=False)
    jwt: str | None = attrs.field(default=None, repr=False)

    def __attrs_post_init__(self) -> None:
        given = [self.username, self.kerberos, self.saml, self.jwt]
        if sum(bool(one) for one in given) != 1:
            raise InvalidInputError(
                "a user identity is one of: a user name, a Kerberos ticket, a SAML assertion, a JWT"
            )
        if self.password is not None and not self.username:
            raise InvalidInputError("a password goes with a user name only")
        if any(len(field) > _LONGEST_FIELD for field in self.fields()[1:]):
            raise InvalidInputError("a user identity has at most 65 520 bytes in a field")

    def fields(self) -> tuple[int, bytes, bytes]:
        """Return its type and its two fields, as they are sent (PS3.7 table D.3-14)."""
        if self.username:
            kind = 1 if self.password is None else 2
            return kind, self.username.encode(), (self.password or "").encode()
        if self.kerberos:
            return 3, self.kerberos, b""
        return (4, self.saml.encode(), b"") if self.saml else (5, (self.jwt or "").encode(), b"")


def _host(host: str) -> str:
    if "/" in _text(host, "a host"):
        raise InvalidInputError("a host is a name or an IP address; open_url takes a URL")
    if not host or not host.isprintable() or " " in host or len(host) > 253:
        raise InvalidInputError("a host is a name or an IP address, without spaces")
    return host


@attrs.frozen
class Peer:
    """An archive that speaks DIMSE, and as whom to talk to it.

    Attributes
    ----------
    host, port
        Where it listens; often 104 or 11112, and 2762 with TLS.
    called
        Its AE title.
    calling
        Our AE title, which many archives have to be told beforehand.
    tls
        How to secure the connection; `None` for not at all.
    timeouts
        How long to wait.
    max_pdu
        Bytes of a PDU that we are ready to receive.
    max_instance
        Bytes of an instance that we take; one that is larger is given up (`BudgetExceededError`).
    identity
        Who asks. It is sent over TLS only, or to this very machine.
    associations
        At most so many at a time; archives often allow a title 1 to 4.
    retries
        How often to ask for one.
    allow_insecure_credentials
        Whether an identity may be sent where others can read it.

    Examples
    --------
    >>> Peer("pacs.example", 104, "ARCHIVE").address
    'ARCHIVE at pacs.example:104'
    """

    host: str = attrs.field(converter=_host)
    port: int = attrs.field(validator=_whole(1, 65535))
    called: str = attrs.field(converter=ae_title)
    calling: str = attrs.field(default="GURNEY", converter=ae_title, kw_only=True)
    tls: TLS | None = attrs.field(default=None, kw_only=True, validator=_of(TLS, optional=True))
    timeouts: Timeouts = attrs.field(factory=Timeouts, kw_only=True, validator=_of(Timeouts))
    max_pdu: int = attrs.field(default=131072, kw_only=True, validator=_whole(4096, 1 << 20))
    max_instance: int = attrs.field(default=64 << 30, kw_only=True, validator=_whole(1))
    identity: UserIdentity | None = attrs.field(
        default=None, kw_only=True, validator=_of(UserIdentity, optional=True)
    )
    associations: int = attrs.field(default=4, kw_only=True, validator=_whole(1))
    retries: Retries = attrs.field(factory=Retries, kw_only=True, validator=_of(Retries))
    allow_insecure_credentials: bool = attrs.field(default=False, kw_only=True)

    def __attrs_post_init__(self) -> None:
        secure = self.tls is not None or self.allow_insecure_credentials or _is_here(self.host)
        if self.identity is not None and not secure:
            raise InvalidInputError(
                "a user identity is sent over TLS only (`tls`), because anyone in between could"
                " read it; `allow_insecure_credentials` sends it all the same"
            )

    @property
    def address(self) -> str:
        """What errors call it."""
        return f"{self.called} at {self.host}:{self.port}"


def _is_here(host: str) -> bool:
    """Say whether a host is this very machine."""
    if host.lower() == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
