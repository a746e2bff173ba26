"""Passwords that others keep for the user: netrc, and the keyring of the operating system."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from netrc import NetrcParseError, netrc
from pathlib import Path
from typing import Final, Protocol

__all__ = ["in_keyring", "in_netrc"]

SERVICE: Final = "gurney"
"""What the keyring calls us: ``keyring set gurney user@archive.example``."""


def in_netrc(
    host: str, user: str, environ: Mapping[str, str]
) -> tuple[tuple[str, str] | None, str]:
    """Return user and password for *host*, or what was in the way of finding them.

    The file is ``$NETRC``, else ``~/.netrc``. Its entry ``default``, for any machine, is left
    alone. If *user* is given, another user's password is, too.
    """
    path = _netrc_path(environ)
    if path is None:
        return None, ""
    try:
        entries = netrc(str(path)).hosts
    except NetrcParseError as error:  # its message may quote a password
        return None, f"netrc is not used: it cannot be read near line {error.lineno}"
    except (OSError, UnicodeError) as error:
        return None, f"netrc is not used: it cannot be read ({type(error).__name__})"
    for name, (login, _, password) in entries.items():
        ours = name.lower() == host and name != "default" and user in ("", login)
        if ours and login and password:
            return (login, password), ""
    return None, ""


def _netrc_path(environ: Mapping[str, str]) -> Path | None:
    if named := environ.get("NETRC"):
        return Path(named).expanduser()
    paths = (Path.home() / name for name in (".netrc", "_netrc"))
    return next((path for path in paths if path.is_file()), None)


class _Backend(Protocol):
    """What we need of a `keyring.backend.KeyringBackend`."""

    def get_password(self, service: str, username: str, /) -> str | None: ...


def in_keyring(name: str) -> tuple[str | None, str]:
    """Return the password kept under *name*, or what was in the way of finding it."""
    try:
        import keyring  # noqa: PLC0415  it comes with an extra
    except ImportError:
        return None, 'the keyring is not used: run pip install "gurney[keyring]"'
    problem = ""
    try:
        for backend in _members(keyring.get_keyring()):
            if not _may_be_asked(backend):
                problem = "the keyring is not used: it may ask for a password, on no terminal"
            elif password := backend.get_password(SERVICE, name):
                return password, ""
    except Exception as error:  # noqa: BLE001  backends raise what they like
        problem = f"the keyring is not used: {type(error).__name__}"
    return None, problem


def _members(backend: _Backend) -> Sequence[_Backend]:
    """Return the keyrings behind one that only tries others."""
    members: Sequence[_Backend] = getattr(backend, "backends", ())
    return members or (backend,)


def _may_be_asked(backend: _Backend) -> bool:
    """The keyrings of operating systems open a window, if at all; others may read from a pipe."""
    asks_nowhere = type(backend).__module__.startswith("keyring.backends.")
    return asks_nowhere or (sys.stdin is not None and sys.stdin.isatty())
