"""What an archive answered: status, headers, and a body that is read while it arrives."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from types import TracebackType

from typing_extensions import Self

from ..core import BudgetExceededError
from .media import media_type

__all__ = ["Answer"]


class Answer:
    """One answer. Close it, or use it in a ``with`` statement.

    Its connection is used again only if the body was read to the end.

    Attributes
    ----------
    asked
        What was asked for, fit for errors and logs: a query, which may name patients, is left out.
    url
        Where the answer came from, after redirects: whole, so not fit for logs.
    status
        The status code: 200 to 299, or 304.
    headers
        By lower-case name.
    retries
        How often the same was asked before, and failed.
    """

    def __init__(
        self,
        *,
        asked: str,
        url: str,
        status: int,
        headers: Mapping[str, str],
        chunks: Iterator[bytes],
        document_budget: int,
        resources: ExitStack,
        hang_up: Callable[[], None] = lambda: None,
    ) -> None:
        self.asked: str = asked
        self.url: str = url
        self.status: int = status
        self.headers: Mapping[str, str] = headers
        self.retries: int = 0
        self._chunks: Iterator[bytes] = chunks
        self._document_budget: int = document_budget
        self._resources: ExitStack = resources
        self._hang_up: Callable[[], None] = hang_up

    @property
    def media_type(self) -> str:
        """The media type in lower case, without parameters; empty if there is none."""
        return media_type(self.headers.get("content-type", ""))

    @property
    def framed(self) -> bool:
        """Whether HTTP itself tells the end of the body.

        If not, the body ends when the connection does, and looks the same cut or whole (W01): then
        its content has to prove that it is whole, and *no* content proves nothing.
        """
        return (
            self.status in (204, 304)
            or self.headers.get("content-length", "").isdigit()
            or "chunked" in self.headers.get("transfer-encoding", "").lower()
        )

    def chunks(self) -> Iterator[bytes]:
        """Yield the body (once), unpacked, in pieces of any size up to 1 MiB.

        Raises
        ------
        TransferInterruptedError
            If it ends too early, after all bytes that came.
        BudgetExceededError
            If it is larger than the budget.
        """
        return self._chunks

    def read(self, limit: int | None = None) -> bytes:
        """Return the whole (rest of the) body: for documents.

        Parameters
        ----------
        limit
            Bytes to take at most; by default the transport's budget for documents.

        Raises
        ------
        TransferInterruptedError
            If it ends too early.
        BudgetExceededError
            If it is larger than *limit*.
        """
        left = limit = self._document_budget if limit is None else limit
        chunks: list[bytes] = []
        for chunk in self._chunks:
            left -= len(chunk)
            if left < 0:
                raise BudgetExceededError(
                    f"{self.asked}: the answer is larger than {limit} bytes; ask for less"
                )
            chunks.append(chunk)
        return b"".join(chunks)

    def close(self) -> None:
        """Give up what has not been read."""
        self._resources.close()

    def hang_up(self) -> None:
        """End the connection from another thread than the one that reads: it waits no longer.

        That thread finds that the body has ended, and is to close the answer.
        """
        self._hang_up()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()
