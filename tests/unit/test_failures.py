"""What cannot be had is told once, and as one error if nobody was there at all."""

from __future__ import annotations

import pytest
from tests.unit.reading import outcome

from gurney.core import ArchiveUnavailableError, InstanceReference, StudyReference
from gurney.retrieving import Came, Failures, Wanted, expectation

ONE = InstanceReference("1.2", "1.2.3", "1.2.3.4")
DOWN = ArchiveUnavailableError("nothing accepts connections there")


@pytest.fixture
def came() -> Came:
    return Came()


@pytest.fixture
def failures(came: Came) -> Failures:
    return Failures(came, "C-GET")


def test_failures_are_told_as_they_happen(failures: Failures) -> None:
    """Each is a file that raises when it is read."""
    (file,) = failures.of([ONE], 2, "it is lost")

    assert (ONE, "C-GET", 2) == (file.reference, file.protocol, file.retries)
    assert ([], ["it is lost"]) == outcome([file])
    assert [] == list(failures.held())


def test_nothing_is_told_before_it_is_known_whether_anybody_is_there(failures: Failures) -> None:
    """Once it answers, those that were held back are told, too."""
    failures.down = DOWN
    at_once = list(failures.of([ONE], 0, "it is away"))
    failures.reached = True

    assert [] == at_once
    assert ([], ["it is away"]) == outcome(failures.held())


def test_an_archive_that_never_answers_is_one_error(failures: Failures) -> None:
    """Not one for each instance."""
    failures.down = DOWN
    assert [] == list(failures.of([ONE, StudyReference("1.5")], 0, "it is away"))

    with pytest.raises(ArchiveUnavailableError, match="nothing accepts"):
        list(failures.held())


def test_an_archive_that_was_there_and_goes_is_told_at_once(failures: Failures) -> None:
    """What it had sent by then stays; the rest is told one by one."""
    failures.reached, failures.down = True, DOWN

    assert ([], ["it is away"]) == outcome(failures.of([ONE], 0, "it is away"))
    assert [] == list(failures.held())


def test_what_has_failed_is_not_waited_for(failures: Failures, came: Came) -> None:
    """Nobody asks for it again."""
    wanted = Wanted(ONE, expectation([ONE]))
    assert [ONE] == came.missing(wanted)
    list(failures.of([ONE], 0, "it is lost"))

    assert [] == came.missing(wanted)
