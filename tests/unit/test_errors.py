"""One tree of errors, each of which survives the way to another process."""

from __future__ import annotations

import pickle

import pytest

from gurney.core import errors
from gurney.core.errors import (
    AuthenticationError,
    BusyError,
    DownloadError,
    GurneyError,
    IncompleteDownloadError,
    InvalidInputError,
    NonInstanceParameterError,
    NonSeriesParameterError,
    NoReferencesFoundError,
    NotFoundError,
    ProtocolViolationError,
    QueryError,
    RequestRefusedError,
    SearchError,
    StudyCountError,
    TransferInterruptedError,
    UnsupportedParameterError,
)

CLASSES: list[type[Exception]] = [getattr(errors, name) for name in errors.__all__]
ARGUMENTS: dict[type[Exception], tuple[object, ...]] = {
    UnsupportedParameterError: ("PatientSex", "a searcher"),
    NoReferencesFoundError: ("1.2", "instance"),
    NonSeriesParameterError: ("1.2", "series"),
    NonInstanceParameterError: ("1.2/1.3", "instance"),
    StudyCountError: (3,),
    BusyError: ("GET http://archive.example/studies", 503, 30.0),
    TransferInterruptedError: ("GET http://archive.example/studies", "the connection was lost"),
    AuthenticationError: ("GET http://archive.example/studies", "a login page came", 200),
    NotFoundError: ("GET http://archive.example/studies/1.2", 404),
    RequestRefusedError: ("GET http://archive.example/studies/1.2", 406),
    ProtocolViolationError: ("GET http://archive.example/studies", "HTML came"),
    IncompleteDownloadError: ({"1.2/1.3/1.4": "did not come", "1.2/1.3/1.5": "was cut"},),
    DownloadError: ("1.2/1.3/1.4", "the archive closed the connection"),
}


@pytest.mark.parametrize("kind", CLASSES)
def test_error_survives_pickling(kind: type[Exception]) -> None:
    """Errors are raised in one process and read in another."""
    error = kind(*ARGUMENTS.get(kind, ("a message",)))
    other = pickle.loads(pickle.dumps(error))

    assert type(error) is type(other)
    assert str(error) == str(other)
    assert error.args == other.args
    assert vars(error) == vars(other)


@pytest.mark.parametrize("kind", [kind for kind in CLASSES if not issubclass(kind, Warning)])
def test_every_error_is_a_gurney_error(kind: type[Exception]) -> None:
    """One ``except`` catches all that gurney raises on purpose."""
    assert issubclass(kind, GurneyError)


def test_wrong_calls_are_value_errors_too() -> None:
    """Code that knows nothing of gurney catches a wrong call."""
    assert issubclass(InvalidInputError, ValueError)
    assert issubclass(UnsupportedParameterError, QueryError)


def test_an_unexpanded_object_is_one_kind_of_error_for_all_downloaders() -> None:
    """Whoever can search deeper catches both with one ``except``."""
    assert issubclass(NonSeriesParameterError, NoReferencesFoundError)
    assert issubclass(NonInstanceParameterError, NoReferencesFoundError)


def test_messages_say_what_was_asked_what_was_found_and_what_to_do_next() -> None:
    """Each message is whole on its own."""
    messages = {kind: str(kind(*arguments)) for kind, arguments in ARGUMENTS.items()}

    assert (
        "1.2 holds no instance references; search for it again at instance level"
        == (messages[NoReferencesFoundError])
    )
    assert "a searcher does not support PatientSex" in messages[UnsupportedParameterError]
    assert "3 were found; narrow" in messages[StudyCountError]
    assert "1.2/1.3/1.4 could not be downloaded: the archive" in messages[DownloadError]


def test_no_study_at_all_asks_for_a_wider_query() -> None:
    """To narrow a query that finds nothing would help nobody."""
    assert "0 were found; widen the query" in str(StudyCountError(0))
    assert issubclass(StudyCountError, SearchError)
