"""One download over DIMSE: requests, what comes of each, and what is asked for again.

Each instance that was asked for ends as one file: that has come, or that raises when it is read.
What an archive says in the end is not believed without counting: the instances that are known to be
there have to come, each of them (D10 to D13, D16).
"""

from __future__ import annotations

import logging
import random
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager

import attrs

from ...core import (
    ArchiveUnavailableError,
    AuthenticationError,
    DICOMFile,
    DICOMObjectReference,
    GurneyError,
    InstanceReference,
    ProtocolViolationError,
    RequestRefusedError,
    StorageError,
    TransferInterruptedError,
)
from ...retrieving import (
    Came,
    Failures,
    UIDs,
    Verdict,
    Wanted,
    expectation,
    finer,
    in_lists,
    unbroken,
)
from ..settings import Retries
from .arriving import Arrival
from .conversation import Conversation, Final
from .listing import Listed
from .statuses import (
    CANNOT_UNDERSTAND,
    DOUBLED,
    NOT_AUTHORIZED,
    OUT_OF_RESOURCES,
    SUCCESS,
    Advice,
    advice,
    meaning,
)

__all__ = ["Retrieval", "Service"]

_log = logging.getLogger("gurney.dimse")
_IN_A_LIST = 50  # UIDs of instances in one request; some archives take only one (D23)
_MOST_REFUSED = 10_000  # of one answer: an archive may send a whole study for one instance
_BARREN = 2
"""So often all attempts may be in vain, one after the other, before the order is changed; and then
again, before an archive is given up."""

_TWICE = "an instance came twice in one answer; the second was refused, whatever is in it"

_ANSWERS = {
    Verdict.WANTED: SUCCESS,
    Verdict.UNASKED: NOT_AUTHORIZED,
    Verdict.DOUBLED: DOUBLED,
    Verdict.NOTHING: CANNOT_UNDERSTAND,
}


@attrs.frozen
class Service:
    """How an archive is asked for instances.

    Attributes
    ----------
    protocol
        Its name.
    ask
        Asks for instances; what it raises when it is entered says why that cannot be.
    listing
        Says which instances are in a study or series.
    retries
        How often to ask, and how long to wait in between.
    """

    protocol: str
    ask: Callable[[Wanted], AbstractContextManager[Conversation]]
    listing: Callable[[DICOMObjectReference], Listed]
    retries: Retries


@attrs.define
class _Told:
    """What was learned from one question."""

    advice: Advice = Advice.FINER
    reason: str = ""
    arrived: set[UIDs] = attrs.field(factory=set[UIDs])  # of what is wanted, each once
    refused: int = 0
    final: Final | None = None


class Retrieval:
    """Downloads what is *wanted*, once, question after question.

    Parameters
    ----------
    service
        How to ask.
    wanted
        The questions; those for single instances are asked as lists.
    """

    def __init__(self, service: Service, wanted: Iterable[Wanted]) -> None:
        self._service: Service = service
        self._wanted: Iterator[Wanted] = in_lists(wanted, _IN_A_LIST)
        self._again: deque[Wanted] = deque()
        self._came: Came = Came()
        self._lists_fail: bool = False
        self._shuffled: bool = False
        self._barren: int = 0  # questions in a row that broke off before anything came
        self._failures: Failures = Failures(self._came, service.protocol)

    def files(self) -> Iterator[DICOMFile]:
        """Yield a file for each instance; see `core.FileDownloader.files`."""
        while True:
            wanted = next(self._wanted, None)  # before what has failed, which may fail for ever
            if wanted is None:
                if not self._again:
                    break
                wanted = self._again.popleft()
            yield from self._files_of(wanted)
        yield from self._failures.held()

    # ------------------------------------------------------------ one question

    def _files_of(self, wanted: Wanted) -> Generator[DICOMFile]:
        """Yield what comes for one question, and see to what does not."""
        if self._failures.down is not None:
            yield from self._give_up(wanted, str(self._failures.down))
            return
        if wanted.by_list and self._lists_fail:
            self._again.extend(_singles(wanted))
            return
        doubt = ""
        if wanted.expected is None:
            listed = self._service.listing(wanted.reference)
            doubt = listed.doubt
            if not listed.references and not doubt:
                self._failures.reached = True
                reason = "the archive lists nothing in it; search for it again"
                yield from self._failures.of([wanted.reference], wanted.attempt, reason)
                return
            expected = expectation(listed.references)
            wanted = attrs.evolve(wanted, expected=expected)
        told = _Told()
        yield from self._hold(wanted, told)
        yield from self._settle(wanted, told, doubt)

    def _hold(self, wanted: Wanted, told: _Told) -> Generator[DICOMFile]:
        """Ask, and yield what comes; put into *told* how it ended."""
        try:
            if wanted.attempt:
                retries = self._service.retries
                retries.sleep(retries.wait_before(wanted.attempt))
            with self._service.ask(wanted) as conversation:
                for arrival in conversation.arrivals():
                    self._failures.reached = True
                    yield from self._take(wanted, arrival, told)
                told.final = conversation.final
                self._barren = 0
                self._failures.reached = True
        except (AuthenticationError, StorageError):
            raise
        except TransferInterruptedError as error:
            self._failures.reached = True
            self._count_in_vain(error, told)
            told.reason, told.advice = str(error), Advice.AGAIN
        except ArchiveUnavailableError as error:
            self._failures.down = error
            told.reason, told.advice = str(error), Advice.NOTHING
        except RequestRefusedError as error:
            self._failures.reached = True
            told.reason, told.advice = str(error), Advice.NOTHING
        except GurneyError as error:
            self._failures.reached = True
            self._count_in_vain(error, told)
            told.reason = str(error)
        if told.final is not None:
            told.advice = advice(told.final.status)
            if told.final.status != SUCCESS:
                told.reason = f"the archive ended it with: {meaning(told.final.status)}"

    def _count_in_vain(self, error: GurneyError, told: _Told) -> None:
        """Give the archive up if it only ever breaks off: not each instance need find that out."""
        self._barren = 0 if told.arrived else self._barren + 1
        if self._barren <= _BARREN * self._service.retries.attempts:
            return
        if self._shuffled:
            self._failures.down = error
        else:  # perhaps it stumbles over a few instances only, and they stand together
            self._again.extend(self._wanted)
            random.Random(0).shuffle(self._again)
            self._shuffled, self._barren = True, 0

    def _take(self, wanted: Wanted, arrival: Arrival, told: _Told) -> Generator[DICOMFile]:
        """Judge one instance, answer for it, and yield it if it is wanted."""
        judged = self._came.judge(wanted, arrival.uids, arrival.fault)
        told.reason = judged.fault or told.reason
        if judged.verdict in (Verdict.WANTED, Verdict.DOUBLED):
            if arrival.uids in told.arrived:
                told.reason = told.reason or _TWICE
            told.arrived.add(arrival.uids)
        reference = judged.reference
        if reference is None:
            self._refuse(arrival, judged.verdict, told)
            return
        if arrival.held:
            arrival.finish(SUCCESS)
            yield self._file(reference, arrival, wanted)
            return
        file = self._file(reference, arrival, wanted)
        attempts = self._service.retries.attempts
        chunks = unbroken(file, arrival.chunks, self._once_more(reference), attempts)
        file.chunks = chunks
        try:
            with closing(chunks):
                yield file
        except GeneratorExit:
            arrival.finish(OUT_OF_RESOURCES)
            raise
        arrival.skip()
        arrival.finish(SUCCESS)

    def _refuse(self, arrival: Arrival, verdict: Verdict, told: _Told) -> None:
        """Pass an instance over; there may be no end to them."""
        arrival.skip()
        arrival.finish(_ANSWERS[verdict])
        told.refused += 1
        if told.refused > _MOST_REFUSED:
            reason = (
                f"more than {_MOST_REFUSED} instances came that were not wanted; tell who runs it"
            )
            raise ProtocolViolationError(self._service.protocol, reason)

    def _file(self, reference: InstanceReference, arrival: Arrival, wanted: Wanted) -> DICOMFile:
        protocol = self._service.protocol
        return DICOMFile(arrival.chunks, reference, protocol, arrival.size, wanted.attempt)

    def _once_more(
        self, reference: InstanceReference
    ) -> Callable[[int], AbstractContextManager[Iterator[bytes]]]:
        """Return what gives the bytes of one instance, asked for on its own."""

        @contextmanager
        def again(attempt: int) -> Generator[Iterator[bytes]]:
            retries = self._service.retries
            retries.sleep(retries.wait_before(attempt))
            wanted = Wanted(reference, expectation([reference]), attempt=attempt)
            told = _Told()
            with self._service.ask(wanted) as conversation:
                for arrival in conversation.arrivals():
                    if arrival.uids == reference.uids:
                        yield arrival.chunks
                        return  # without an answer: so the association is given up
                    self._refuse(arrival, Verdict.UNASKED, told)
            raise ProtocolViolationError(str(reference), "it did not come again")

        return again

    # ------------------------------------------------------------ what has not come

    def _settle(self, wanted: Wanted, told: _Told, doubt: str) -> Iterator[DICOMFile]:
        """Ask again for what is missing, or give it up."""
        missing = self._came.missing(wanted)
        if not missing:
            self._notice(wanted, told)
            if doubt and not _is_proved(told):
                reason = "; ".join(filter(None, (told.reason, doubt)))
                yield from self._failures.of([wanted.reference], wanted.attempt, reason)
            return
        reason = told.reason or wanted.reason or "the archive's answer was whole, without it"
        again = told.advice is Advice.AGAIN and wanted.attempt + 1 < self._service.retries.attempts
        if told.advice is Advice.NOTHING or (wanted.one and not again):
            yield from self._failures.of(missing, wanted.attempt, reason)
            return
        _log.info("%s: %s; %d to be asked for again", wanted.reference, reason, len(missing))
        if wanted.by_list and not told.arrived and not again:
            self._lists_fail = True  # and not only this one, for all that is known (D23)
        questions = finer(wanted, missing, again=again, reason=reason)
        if again:
            questions = in_lists(questions, _IN_A_LIST)
        self._again.extend(questions)

    def _notice(self, wanted: Wanted, told: _Told) -> None:
        """Say what does not fit, though all that is known to be there has come."""
        if told.reason and wanted.expected is not None:
            _log.warning("%s: all that is listed has come, but %s", wanted.reference, told.reason)

    def _give_up(self, wanted: Wanted, reason: str) -> Iterator[DICOMFile]:
        references: list[DICOMObjectReference] = [*self._came.missing(wanted)]
        if wanted.expected is None:
            references = [wanted.reference]
        yield from self._failures.of(references, wanted.attempt, reason)


def _is_proved(told: _Told) -> bool:
    """Say whether the archive's own count, in a success, is that of what has arrived."""
    final = told.final
    return (
        final is not None
        and final.status == SUCCESS
        and not final.failed
        and final.completed == len(told.arrived) > 0
    )


def _singles(wanted: Wanted) -> Iterator[Wanted]:
    alone = attrs.evolve(wanted, by_list=False)
    for ref in (wanted.expected or {}).values():
        yield attrs.evolve(alone, reference=ref, expected={ref.uids: ref})
