"""Receipts that the command writes and reads."""

from __future__ import annotations

from pathlib import Path

from gurney.core import InvalidInputError, Receipt
from gurney.storage import keep_receipt, receipts_in, write_new

from .exits import WrongUseError

__all__ = ["check_free", "keep", "read", "receipts_in", "write"]


def keep(receipt: Receipt, folder: Path) -> Path:
    """Write *receipt* into *folder* under the next free name, and return where it is."""
    return keep_receipt([receipt.to_json()], folder)


def write(receipt: Receipt, path: Path) -> None:
    """Write *receipt* to *path*: as CSV if its name ends in ``.csv``, else as JSON."""
    if path.exists():
        raise WrongUseError(_taken(path))
    text = receipt.to_csv() if path.suffix.lower() == ".csv" else receipt.to_json()
    write_new([text], path)


def check_free(path: Path) -> None:
    """Refuse to write a receipt where something is already, before anything is fetched."""
    if path.exists():
        raise WrongUseError(_taken(path))
    if not path.absolute().parent.is_dir():
        raise WrongUseError(f"--receipt {path.name}: there is no such folder; make it first")


def read(path: Path) -> Receipt:
    """Return the receipt at *path*."""
    try:
        return Receipt.from_json(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        raise WrongUseError(f"the receipt {path.name} cannot be read: {reason}") from error
    except InvalidInputError as error:
        raise WrongUseError(f"{path.name} is {error}") from error


def _taken(path: Path) -> str:
    return f"--receipt {path.name} is there already; receipts are not overwritten, name another"
