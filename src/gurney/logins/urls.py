"""The URL of an archive, taken apart. A password in it is refused, and never repeated."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from difflib import get_close_matches
from typing import Final
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from ..core import InvalidInputError

__all__ = ["split_url", "url_options"]

_has_unsafe: Final = re.compile(r"[\x00-\x20\x7f\\]").search  # urlsplit takes some of them out
_ELSEWHERE: Final = "name only the user, and put the password into ~/.netrc or the keyring"


def split_url(
    url: str, schemes: Collection[str], form: str, protocol: str
) -> tuple[SplitResult, str]:
    """Return the parts of *url*, and what stands before its host: a user, decoded.

    Parameters
    ----------
    url
        As somebody typed it.
    schemes
        What it may begin with.
    form, protocol
        For errors: how such a URL looks, and what archives are named by it.

    Raises
    ------
    InvalidInputError
        If it is malformed, or holds a password.
    """
    malformed = InvalidInputError(f"this is not the URL of a {protocol} archive: write {form}")
    try:
        parts = urlsplit(url)
    except ValueError:  # its message may quote a password
        raise malformed from None
    if parts.scheme not in schemes or not parts.netloc or _has_unsafe(url):
        raise malformed
    if "@" in parts.path + parts.query or parts.fragment:
        raise InvalidInputError(
            "the URL has a # or, after its host, an @; write %23 and %40. A password does not"
            f" belong there: {_ELSEWHERE}"
        )
    return parts, _user(parts.netloc.rpartition("@")[0])


def _user(text: str) -> str:
    user = unquote(text)
    if ":" in user:
        raise InvalidInputError(f"the URL holds a password, which others can see; {_ELSEWHERE}")
    if not user.isprintable():
        raise InvalidInputError("the user that the URL names holds a control character")
    return user


def url_options(query: str, known: Sequence[str]) -> Mapping[str, str]:
    """Return the options after the question mark, by name.

    Raises
    ------
    InvalidInputError
        If there is one that is not *known*, which is not repeated: it may be a secret. If one is
        empty, or given twice.
    """
    pairs = parse_qsl(query, keep_blank_values=True)
    options = dict(pairs)
    for name in options:
        if name not in known:
            near = get_close_matches(name, known, 1)
            listed = f"{', '.join(known[:-1])} and {known[-1]}"
            hint = f"did you mean {near[0]}?" if near else f"there are {listed}"
            raise InvalidInputError(
                f"the URL has an unknown option; {hint} (credentials are no options: put them into"
                " ~/.netrc or the keyring)"
            )
    if len(options) < len(pairs) or "" in options.values():
        raise InvalidInputError("an option of the URL is empty, or given twice")
    return options
