"""One download: questions are asked, answers taken apart, and what is missing is asked for again.

Each instance that was asked for ends as one file: that has come, or that raises when it is read.
"""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager, closing, contextmanager, nullcontext
from enum import Enum
from functools import partial
from typing import Final

import attrs

from ..core import (
    ArchiveUnavailableError,
    AuthenticationError,
    BusyError,
    DICOMFile,
    DICOMObjectReference,
    GurneyError,
    InstanceReference,
    InvalidInputError,
    ProtocolViolationError,
    TransferInterruptedError,
)
from ..http import Answer, Gate, Retries
from ..retrieving import Came, Expected, Failures, Wanted, expectation, finer, unbroken
from .arriving import Arrived, Withheld, arrivals
from .readahead import Line, ReadAhead
from .sources import Direct, Source

__all__ = ["Retrieval", "Service"]

_log = logging.getLogger("gurney.retrieving")
_PARTIAL: Final = 206
_LATER: Final = (408, 424, 425, 429, 503)  # busy, whatever one asks for


def _arrivals(_: Wanted, answer: Answer, chunks: Iterator[bytes]) -> Iterator[Arrived]:
    return arrivals(answer, chunks)


@attrs.frozen
class Service:
    """How an archive is asked for instances.

    Attributes
    ----------
    protocol
        Its name.
    ask
        Asks for instances.
    listing
        Returns the instances of a study or series, as the archive knows them.
    gate, retries
        Those of the transport.
    arrivals
        Takes an answer apart: into what comes in it, and what it says it does not hold.
    """

    protocol: str
    ask: Callable[[Wanted, Retries], Answer]
    listing: Callable[[DICOMObjectReference], Iterable[InstanceReference]]
    gate: Gate
    retries: Retries
    arrivals: Callable[[Wanted, Answer, Iterator[bytes]], Iterator[Arrived | Withheld]] = _arrivals


class Ending(Enum):
    """How a question has ended, if not everything has come."""

    PARTIAL = "something is missing, the archive says; smaller questions may bring it"
    ANSWERED = "smaller questions may bring it"
    CUT = "the same question may bring it"
    FINAL = "nothing will bring it now"


class Retrieval:
    """Downloads what is *wanted*, once.

    Parameters
    ----------
    service
        How to ask.
    parallel
        Answers at a time, at most.
    ordered
        Whether the answers are taken in the order of the questions.
    """

    def __init__(
        self, service: Service, wanted: Iterable[Wanted], *, parallel: int, ordered: bool
    ) -> None:
        self._service: Service = service
        self._wanted: Iterator[Wanted] = iter(wanted)
        self._parallel: int = parallel
        self._ordered: bool = ordered
        self._again: deque[Wanted] = deque()
        self._came: Came = Came()
        self._failures: Failures = Failures(self._came, service.protocol)
        self._pause: Callable[[float], None] = time.sleep
        self._turn: Callable[[], AbstractContextManager[object]] = nullcontext

    def files(self) -> Iterator[DICOMFile]:
        """Yield a file for each instance; see `core.FileDownloader.files`."""
        under_way: dict[Line[Wanted], Generator[DICOMFile]] = {}
        with (
            ReadAhead(self._ask, self._service.gate, self._parallel) as ahead,
            _closing_all(under_way),
        ):
            self._pause, self._turn = ahead.pause, ahead.turn
            while self._fill(ahead, under_way):
                lines = list(under_way)
                line = lines[0] if self._ordered else ahead.fullest(lines)
                file = next(under_way[line], None)
                if file is None:
                    del under_way[line]
                    ahead.drop(line)
                else:
                    yield file
        yield from self._failures.held()

    def _fill(
        self, ahead: ReadAhead[Wanted], under_way: dict[Line[Wanted], Generator[DICOMFile]]
    ) -> bool:
        """Ask for more if there is room; say whether anything is under way."""
        while len(under_way) < ahead.capacity:
            wanted = self._again.popleft() if self._again else next(self._wanted, None)
            if wanted is None:
                break
            line = ahead.submit(wanted)
            under_way[line] = self._files_of(wanted, line)
        return bool(under_way)

    # ------------------------------------------------------------ one question

    def _ask(self, wanted: Wanted) -> Answer:
        """Ask, in a thread that reads ahead; it stops waiting when it is given up."""
        if self._failures.down is not None:
            raise self._failures.down
        retries = self._service.retries
        if retries.sleep is time.sleep:
            retries = attrs.evolve(retries, sleep=self._pause)
        return self._ask_with(wanted, retries)

    def _ask_with(self, wanted: Wanted, retries: Retries) -> Answer:
        if wanted.attempt:
            retries.sleep(retries.wait_before(wanted.attempt))
        return self._service.ask(wanted, retries)

    def _files_of(self, wanted: Wanted, source: Source) -> Generator[DICOMFile]:
        """Yield what comes for one question, and see to what does not."""
        retries, seen, begun, reason = wanted.attempt, 0, False, ""
        ending = Ending.ANSWERED
        try:
            answer = source.answer()
            self._failures.reached = begun = True
            retries += answer.retries
            if answer.status == _PARTIAL:
                ending, reason = Ending.PARTIAL, "it says that this is not all (status 206)"
            for arrived in self._service.arrivals(wanted, answer, source.chunks()):
                if isinstance(arrived, Withheld):
                    seen, reason = seen + 1, arrived.reason
                    yield from self._withheld(wanted, arrived, retries)
                    continue
                judged = self._came.judge(wanted, arrived.uids, arrived.fault)
                seen += not judged.fault
                reason = judged.fault or reason
                if judged.reference is not None:
                    yield from self._pass_on(judged.reference, arrived, retries)
        except (AuthenticationError, InvalidInputError):
            raise
        except GurneyError as error:
            reason = str(error)
            ending = self._ending(error, begun=begun)
        if not seen:
            reason = reason or "the archive's answer holds nothing"
        yield from self._settle(wanted, ending, reason)

    def _withheld(self, wanted: Wanted, withheld: Withheld, retries: int) -> Iterator[DICOMFile]:
        """Yield what fails for good."""
        expected = (wanted.expected or {}).values()
        named = [ref for ref in expected if ref.instance_uid == withheld.instance_uid]
        missing = self._came.missing(wanted)
        if withheld.final:
            gone = [ref for ref in named if ref in missing]
            yield from self._failures.of(gone, retries, withheld.reason)

    def _pass_on(
        self, reference: InstanceReference, arrived: Arrived, retries: int
    ) -> Iterator[DICOMFile]:
        """Yield one file; what is left of it is given up when the next one is asked for."""
        protocol = self._service.protocol
        file = DICOMFile(arrived.chunks, reference, protocol, arrived.size, retries)
        if arrived.held:
            yield file
            return
        again = partial(self._once_more, reference)
        chunks = unbroken(file, arrived.chunks, again, self._service.retries.attempts)
        file.chunks = chunks
        with closing(chunks):
            yield file

    @contextmanager
    def _once_more(self, reference: InstanceReference, attempt: int) -> Generator[Iterator[bytes]]:
        """Give the bytes of one instance, asked for on its own."""
        wanted = Wanted(reference, expectation([reference]), attempt=attempt)
        with self._turn(), self._ask_with(wanted, self._service.retries) as answer:
            for arrived in self._service.arrivals(wanted, answer, answer.chunks()):
                if isinstance(arrived, Arrived) and arrived.uids == reference.uids:
                    yield arrived.chunks
                    return
            raise ProtocolViolationError(answer.asked, "it did not come again")

    # ------------------------------------------------------------ what has not come

    def _ending(self, error: GurneyError, *, begun: bool) -> Ending:
        """Say what is to be done after an *error*."""
        if type(error) is not ArchiveUnavailableError:
            self._failures.reached = True
        if isinstance(error, BusyError):
            return Ending.FINAL if error.status in _LATER else Ending.ANSWERED
        if isinstance(error, TransferInterruptedError):
            return Ending.CUT if begun else Ending.ANSWERED
        if isinstance(error, ArchiveUnavailableError):
            self._failures.down = error
            return Ending.FINAL
        return Ending.ANSWERED

    def _settle(self, wanted: Wanted, ending: Ending, reason: str) -> Iterator[DICOMFile]:
        """Ask again for what is missing, or give it up."""
        expected = wanted.expected
        if expected is None and reason and ending is not Ending.FINAL:
            expected, reason = self._listing(wanted.reference, ending, reason)
        if expected is None:
            if reason:
                yield from self._failures.of([wanted.reference], wanted.attempt, reason)
            return
        whole = attrs.evolve(wanted, expected=expected)
        missing = self._came.missing(whole)
        if not missing:
            return
        reason = reason or wanted.reason or "the archive's answer was whole, without it"
        again = ending is Ending.CUT and wanted.attempt + 1 < self._service.retries.attempts
        if ending is Ending.FINAL or (wanted.one and not again):
            yield from self._failures.of(missing, wanted.attempt, reason)
            return
        _log.info("%s: %s; %d to be asked for again", wanted.reference, reason, len(missing))
        for question in finer(whole, missing, again=again, reason=reason):
            if self._ordered:
                ask = partial(self._ask_with, question, self._service.retries)
                with self._turn(), Direct(ask) as source:
                    yield from self._files_of(question, source)
            else:
                self._again.append(question)

    def _listing(
        self, reference: DICOMObjectReference, ending: Ending, reason: str
    ) -> tuple[Expected | None, str]:
        """Return what the archive lists, because what it sent may not be all; `None` if no proof.

        A listing may be cut, too (W16): one that leaves out what came proves nothing.
        """
        try:
            listed = expectation(self._service.listing(reference))
        except AuthenticationError:
            raise
        except GurneyError as error:
            return None, f"{reason}; and it cannot be listed: {error}"
        came = self._came.below(reference.uids)
        if not came <= listed.keys():
            return None, f"{reason}; and what the archive lists lacks some of what came"
        if not listed or (ending is Ending.PARTIAL and len(came) == len(listed)):
            return None, f"{reason}; and the archive lists no more"
        return listed, reason


@contextmanager
def _closing_all(generators: Mapping[Line[Wanted], Generator[DICOMFile]]) -> Generator[None]:
    """Close what is left of *generators*, and whatever they have open."""
    try:
        yield
    finally:
        for generator in generators.values():
            generator.close()
