"""What two sides agree on before the first message (PS3.8 7.1, PS3.7 D.3)."""

from __future__ import annotations

from collections.abc import Mapping

import attrs

__all__ = ["Agreed", "Agreement", "Identity", "Proposal", "Proposed", "Rejection", "Roles"]


@attrs.frozen
class Proposed:
    """A presentation context that is proposed.

    Attributes
    ----------
    context_id
        Odd, 1 to 255.
    abstract_syntax
        UID of a SOP class.
    transfer_syntaxes
        UIDs, in order; the acceptor picks one.
    """

    context_id: int
    abstract_syntax: str
    transfer_syntaxes: tuple[str, ...]


@attrs.frozen
class Roles:
    """Which roles the requestor may have for a SOP class (PS3.7 D.3.3.4)."""

    scu: bool
    scp: bool


@attrs.frozen
class Identity:
    """Who asks (PS3.7 D.3.3.7).

    Attributes
    ----------
    kind
        1 user name, 2 user name and password, 3 Kerberos, 4 SAML, 5 JSON web token.
    primary, secondary
        User name, ticket, assertion or token; password. Never shown.
    """

    kind: int
    primary: bytes = attrs.field(repr=False)
    secondary: bytes = attrs.field(default=b"", repr=False)


@attrs.frozen
class Proposal:
    """What an A-ASSOCIATE-RQ says.

    Attributes
    ----------
    calling, called
        AE titles, without padding.
    contexts
        In order, length <= 128.
    roles, extended
        By SOP class.
    max_pdu
        The longest PDU that the requestor takes, in bytes; 0 for any.
    identity
        Who asks, if that is said.
    implementation
        Version name, ``""`` if it is not said.
    """

    calling: str
    called: str
    contexts: tuple[Proposed, ...]
    roles: Mapping[str, Roles] = attrs.field(factory=dict[str, Roles])
    extended: Mapping[str, bytes] = attrs.field(factory=dict[str, bytes])
    max_pdu: int = 0
    identity: Identity | None = None
    implementation: str = ""


@attrs.frozen
class Agreed:
    """What became of a presentation context.

    Attributes
    ----------
    result
        0 accepted; 1 refused, 3 abstract syntax not supported, 4 transfer syntaxes not supported
        (PS3.8 table 9-18).
    """

    context_id: int
    abstract_syntax: str
    transfer_syntax: str
    result: int = 0


@attrs.frozen
class Agreement:
    """What an A-ASSOCIATE-AC says; fields as those of `Proposal`."""

    contexts: tuple[Agreed, ...]
    roles: Mapping[str, Roles] = attrs.field(factory=dict[str, Roles])
    extended: Mapping[str, bytes] = attrs.field(factory=dict[str, bytes])
    max_pdu: int = 0

    def context(self, context_id: int) -> Agreed | None:
        """Return the accepted context with this id."""
        found = (one for one in self.contexts if one.context_id == context_id and not one.result)
        return next(found, None)


@attrs.frozen
class Rejection:
    """What an A-ASSOCIATE-RJ says, PS3.8 table 9-21.

    Attributes
    ----------
    result
        1 permanent, 2 transient.
    source, reason
        1/7 called AE title not recognized, 1/3 calling AE title not recognized, 3/1 temporary
        congestion, 3/2 local limit exceeded, ...
    """

    result: int
    source: int
    reason: int
