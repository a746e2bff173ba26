"""Messages as they come: a command, and a data set that is still on its way (PS3.7 6.3)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from ...core import BudgetExceededError
from .commands import Command
from .contexts import Context

__all__ = ["Message"]

_SMALL: Final = 1 << 12  # bytes; a list of pieces of two bytes takes 30 times as many
_PASSED_OVER: Final = 1 << 30  # bytes that nobody wants: others may follow them


class Message:
    """A command that has come, and the data set that is still on its way.

    Parameters
    ----------
    next_piece
        What gives the next bytes of the data set, none at times, and says whether they are the
        last.
    give_up
        What aborts the association.

    Attributes
    ----------
    command
        What it says.
    context
        In which presentation context it came.
    """

    __slots__ = ("_finished", "_give_up", "_next_piece", "command", "context")

    def __init__(
        self,
        command: Command,
        context: Context,
        next_piece: Callable[[Context], tuple[bytes, bool]],
        give_up: Callable[[], None],
    ) -> None:
        self.command: Command = command
        self.context: Context = context
        self._next_piece: Callable[[Context], tuple[bytes, bool]] = next_piece
        self._give_up: Callable[[], None] = give_up
        self._finished: bool = not command.has_data

    @property
    def finished(self) -> bool:
        """Whether its data set, if it has one, has come whole and was taken."""
        return self._finished

    def fragments(self) -> Iterator[bytes]:
        """Yield the data set in pieces as they come from the socket; small ones are joined.

        May be called again after it was left in the middle, and then goes on from there. Nothing
        is yielded if there is no data set.

        Raises
        ------
        TransferInterruptedError
            If it does not come whole.
        ProtocolViolationError
            If something else comes in between.
        """
        joined = b""
        while not self._finished:
            piece, self._finished = self._next_piece(self.context)
            joined = joined + piece if joined else piece
            if joined and (self._finished or len(joined) >= _SMALL):
                yield joined
                joined = b""

    def read(self, limit: int) -> bytes:
        """Return the whole data set.

        Raises
        ------
        BudgetExceededError
            If it has more than *limit* bytes; the association is aborted.
        """
        pieces: list[bytes] = []
        size = 0
        for piece in self.fragments():
            size += len(piece)
            if size > limit:
                self._give_up()
                raise BudgetExceededError(
                    f"{self.command.name}: a data set of more than {limit} bytes, which is more"
                    " than is taken into memory; ask for less"
                )
            pieces.append(piece)
        return b"".join(pieces)

    def skip(self, most: int = _PASSED_OVER) -> None:
        """Receive what is left of the data set, and drop it.

        Raises
        ------
        BudgetExceededError
            If it has more than *most* bytes: there may be no end to it. The association is aborted.
        """
        size = 0
        for piece in self.fragments():
            size += len(piece)
            if size > most:
                self._give_up()
                raise BudgetExceededError(
                    f"{self.command.name}: more than {most} bytes came that nobody wants, too many"
                    " to wait for; have those who run the archive look at what it sends"
                )

    def __repr__(self) -> str:
        return f"<Message {self.command!r}>"
