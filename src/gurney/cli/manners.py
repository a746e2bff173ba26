"""How hard an archive is worked, as it is typed; and kept beside the ledger, for later runs."""

from __future__ import annotations

import json
import re
import tempfile
from pathlib import Path
from typing import Final

import attrs

from gurney.manners import Windows
from gurney.transfer import Limits

from .exits import WrongUseError

__all__ = ["Told", "keep", "kept", "limits_of", "windows_of"]

NAME: Final = "manners.json"
"""The file beside a ledger."""

_SIZE: Final = re.compile(r"(\d+(?:\.\d+)?)\s*([kMGT]?)(i?)B?(?:/s)?", re.IGNORECASE)


@attrs.frozen
class Told:
    """What was said about it; `None` where nothing was.

    Attributes
    ----------
    parallel
        Parcels at a time.
    rate
        Bytes a second, as in ``20MB``.
    requests
        Requests a second.
    window, zone
        When, and by which clock.
    patience
        Minutes for which an archive may be away.
    """

    parallel: int | None = None
    rate: str | None = None
    requests: float | None = None
    window: str | None = None
    zone: str | None = None
    patience: float | None = None

    def over(self, earlier: Told) -> Told:
        """Return what is in force if *earlier* was said before: what was said last, of each."""
        said = {name: value for name, value in attrs.asdict(self).items() if value is not None}
        return attrs.evolve(earlier, **said)


def limits_of(told: Told) -> Limits:
    """Return the limits that *told* means.

    Raises
    ------
    WrongUseError
        It says what cannot be meant.
    """
    limits = Limits(
        requests_per_second=_positive("--requests", told.requests),
        bytes_per_second=None if told.rate is None else _size("--rate", told.rate),
    )
    if told.parallel is not None:
        limits = attrs.evolve(limits, parallel=told.parallel)
    if told.patience is not None:
        limits = attrs.evolve(limits, patience=told.patience * 60)
    return limits


def windows_of(told: Told) -> Windows:
    """Return when work may be done; `InvalidInputError` says what is wrong."""
    if told.window is None and told.zone is not None:
        raise WrongUseError("--tz is the clock of a --window; say which")
    return Windows.parse(told.window or "always", told.zone)


def keep(told: Told, ledger: Path) -> None:
    """Keep *told* beside the *ledger*, for the runs to come."""
    with tempfile.NamedTemporaryFile(
        "w", encoding="utf-8", dir=ledger, prefix=".gurney-", delete=False
    ) as draft:
        json.dump(attrs.asdict(told), draft, indent=2)
    Path(draft.name).replace(ledger / NAME)


def kept(ledger: Path) -> Told:
    """Return what was kept beside the *ledger*; nothing if nothing was.

    Raises
    ------
    WrongUseError
        If somebody else has written it.
    """
    try:
        content = json.loads((ledger / NAME).read_text(encoding="utf-8"))
        told = Told(**content)
        windows_of(told)
        limits_of(told)
    except FileNotFoundError:
        return Told()
    except (ValueError, TypeError, OSError) as error:
        raise WrongUseError(
            f"{NAME} beside the ledger cannot be read; say the limits to gurney transfer plan again"
        ) from error
    return told


def _positive(flag: str, number: float | None) -> float | None:
    if number is not None and number <= 0:
        raise WrongUseError(f"{flag} is a number above 0; leave it out for no bound")
    return number


def _size(flag: str, text: str) -> float | None:
    """Return bytes: ``20MB`` is 20 million, ``20MiB`` is 20 times 1024 times 1024."""
    found = _SIZE.fullmatch(text.strip())
    if found is None:
        raise WrongUseError(f"{flag} is a number of bytes a second, as in 20MB or 500kB")
    number, prefix, binary = found.groups()
    return _positive(
        flag, float(number) * (1024 if binary else 1000) ** " KMGT".index(prefix.upper() or " ")
    )
