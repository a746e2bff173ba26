"""gzip, undone in bounded steps: a small answer may unpack to something very large (W22)."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from typing import Final

from ..core import (
    CHUNK_SIZE,
    BudgetExceededError,
    ProtocolViolationError,
    TransferInterruptedError,
)
from .settings import Budgets

__all__ = ["unpacked"]


def unpacked(
    pieces: Iterator[bytes], encoding: str, asked: str, budgets: Budgets
) -> Iterator[bytes]:
    """Yield a body as it was before it was packed for the way, within the budgets.

    Parameters
    ----------
    pieces
        The body.
    encoding
        Its Content-Encoding.
    asked
        What was asked for, for errors.
    budgets
        How much to take.

    Raises
    ------
    BudgetExceededError
        If there is more.
    TransferInterruptedError
        If the packed bytes end too early; Content-Length counts these (W17).
    ProtocolViolationError
        If they are packed in a way that was not asked for, or damaged.
    """
    encodings = [name.strip().lower() for name in encoding.split(",")]
    encodings = [name for name in encodings if name not in ("", "identity")]
    if not encodings:
        return _bounded(pieces, asked, budgets)
    if encodings[1:] or encodings[0] not in ("gzip", "x-gzip", "deflate"):
        raise ProtocolViolationError(asked, "the answer is packed in a way nobody asked for")
    return _bounded(_inflated(pieces, asked, budgets), asked, budgets)


def _bounded(pieces: Iterator[bytes], asked: str, budgets: Budgets) -> Iterator[bytes]:
    left = budgets.body
    for piece in pieces:
        left -= len(piece)
        if left < 0:
            raise BudgetExceededError(
                f"{asked}: the answer is larger than {budgets.body} bytes; ask for less, or raise"
                " the budget if the archive is trusted"
            )
        yield piece


def _inflated(pieces: Iterator[bytes], asked: str, budgets: Budgets) -> Iterator[bytes]:
    inflater = zlib.decompressobj(_GZIP_OR_ZLIB)
    packed = size = 0
    for piece in pieces:
        packed += len(piece)
        rest = piece
        while rest and not (inflater.eof and not rest.startswith(_MAGIC)):
            if inflater.eof:  # another member follows
                inflater = zlib.decompressobj(_GZIP_OR_ZLIB)
            try:
                out = inflater.decompress(rest, CHUNK_SIZE)
            except zlib.error as error:
                raise ProtocolViolationError(asked, "the answer is packed, and damaged") from error
            rest = inflater.unused_data if inflater.eof else inflater.unconsumed_tail
            size += len(out)
            if size > max(budgets.inflated, packed * budgets.expansion):
                raise BudgetExceededError(
                    f"{asked}: the answer unpacks to more than {budgets.expansion} times its size;"
                    " raise the budget if the archive is trusted"
                )
            if out:
                yield out
    if packed and not inflater.eof:
        raise TransferInterruptedError(asked, "the packed answer ends too early")


_GZIP_OR_ZLIB: Final = 32 + zlib.MAX_WBITS
_MAGIC: Final = b"\x1f"  # begins a member; other bytes after the last one are padding
