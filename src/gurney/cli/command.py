"""A function becomes a command: shared options in, an exit code out, never a traceback."""

from __future__ import annotations

import logging
import os
import sys
import traceback
import warnings
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager
from functools import update_wrapper
from inspect import Parameter, Signature, cleandoc, signature
from typing import Annotated, Any, Final, TypeAlias

import typer

from .exits import ExitCode, WrongUseError
from .options import FILTERS, PANEL, Filter
from .terminal import Terminal

__all__ = ["Given", "INCLUDE", "LOOKING_FOR", "command", "guarded"]

Given: TypeAlias = Mapping[str, Any]
"""The shared options by name, with their values or `None`."""


def _keyword(name: str, annotation: object, default: object = None) -> Parameter:
    return Parameter(name, Parameter.KEYWORD_ONLY, default=default, annotation=annotation)


def _parameter(filter_: Filter) -> Parameter:
    option = typer.Option(
        *filter_.flags,
        help=filter_.help,
        metavar=filter_.metavar,
        rich_help_panel=PANEL,
        show_default=False,
    )
    one, several = Annotated[str | None, option], Annotated[list[str] | None, option]
    return _keyword(filter_.parameter, several if filter_.several else one)


LOOKING_FOR: Final = tuple(_parameter(filter_) for filter_ in FILTERS)
"""The options that say what to look for."""

INCLUDE: Final = _keyword(
    "include_field",
    Annotated[
        list[str] | None,
        typer.Option(
            "--include-field",
            help="Also show this DICOM keyword; can be repeated.",
            metavar="KEYWORD",
            show_default=False,
        ),
    ],
)
"""The option that asks for more attributes."""

_QUIET: Final = _keyword(
    "quiet",
    Annotated[
        bool,
        typer.Option("--quiet", "-q", help="No progress, no notes; what is wrong is said."),
    ],
    default=False,
)


def command(
    *options: Parameter,
) -> Callable[[Callable[..., ExitCode]], Callable[..., None]]:
    """Give a function *options* and ``--quiet``, and turn what it returns into an exit code.

    The function takes a `Terminal`, the values of *options* by name, then its own parameters.
    """
    added = (*options, _QUIET)

    def decorate(function: Callable[..., ExitCode]) -> Callable[..., None]:
        own = signature(function, eval_str=True).parameters.values()
        parameters = [*list(own)[2:], *added]

        def run(**values: Any) -> None:  # noqa: ANN401  what typer read
            terminal = Terminal.standard(quiet=values.pop("quiet"))
            given = {option.name: values.pop(option.name) for option in options}
            raise typer.Exit(guarded(terminal, lambda: function(terminal, given, **values)))

        _disguise(run, function, parameters)
        return run

    return decorate


def _disguise(
    run: Callable[..., None], function: Callable[..., object], parameters: Sequence[Parameter]
) -> None:
    """Have *run* look to typer, which reads signatures, as a function with these parameters."""
    update_wrapper(run, function)
    run.__doc__ = _flowing(cleandoc(function.__doc__ or ""))
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    setattr(run, "__signature__", Signature(parameters))  # noqa: B010  functions do not declare it


def _flowing(text: str) -> str:
    """Each paragraph on one line: typer keeps line feeds, which break where no help does."""
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in text.split("\n\n"))


def guarded(terminal: Terminal, action: Callable[[], ExitCode]) -> ExitCode:
    """Run *action*; whatever goes wrong becomes one clear line and an exit code.

    Warnings of libraries are not shown: pydicom puts values of patients into them.
    """
    try:
        with warnings.catch_warnings(), _waiting_told(terminal):
            warnings.simplefilter("ignore")
            code = action()
            sys.stdout.flush()
            return code
    except WrongUseError as error:
        terminal.error(str(error))
        return ExitCode.WRONG_USE
    except KeyboardInterrupt:
        terminal.warn("interrupted")
        return ExitCode.INTERRUPTED
    except BrokenPipeError:
        _stop_writing()
        return ExitCode.UNREAD
    except OSError as error:
        where = f": {os.path.basename(error.filename)}" if isinstance(error.filename, str) else ""  # noqa: PTH119  it may be ''
        terminal.error(f"{error.strerror or type(error).__name__}{where}")
        return ExitCode.INCOMPLETE
    except Exception as error:  # noqa: BLE001  the last place where one can be told
        return _told(terminal, error)


@contextmanager
def _waiting_told(terminal: Terminal) -> Generator[None]:
    """Pass on what our own log has to say, such as why nothing happens for a while."""
    log, handler = logging.getLogger("gurney"), _Notes(terminal)
    level = log.level
    log.addHandler(handler)
    log.setLevel(logging.INFO)
    try:
        yield
    finally:
        log.setLevel(level)
        log.removeHandler(handler)


class _Notes(logging.Handler):
    """Says each message as a note."""

    def __init__(self, terminal: Terminal) -> None:
        super().__init__(logging.INFO)
        self._terminal: Terminal = terminal

    def emit(self, record: logging.LogRecord) -> None:
        self._terminal.note(record.getMessage())


def _told(terminal: Terminal, error: Exception) -> ExitCode:
    from gurney.core import (
        ArchiveUnavailableError,
        AuthenticationError,
        GurneyError,
        InvalidInputError,
        NotFoundError,
        ProtocolViolationError,
    )

    if not isinstance(error, GurneyError):
        return _bug(terminal, error)
    terminal.error(str(error))
    if isinstance(error, InvalidInputError):
        return ExitCode.WRONG_USE
    no_answer = (
        ArchiveUnavailableError,
        AuthenticationError,
        NotFoundError,
        ProtocolViolationError,
    )
    if isinstance(error, no_answer):
        return ExitCode.UNREACHABLE
    return ExitCode.INCOMPLETE


def _bug(terminal: Terminal, error: Exception) -> ExitCode:
    """Show where it happened, and no value: neither locals nor the message, nor the causes'."""
    frames = traceback.extract_tb(error.__traceback__)
    for frame in frames:
        terminal.warn(f"  {frame.filename}:{frame.lineno} in {frame.name}")
    terminal.error(
        f"a mistake in gurney ({type(error).__name__}); please report the lines above. "
        "They hold no patient data; the message, which might, is left out"
    )
    return ExitCode.BUG


def _stop_writing() -> None:
    """Keep Python from failing again when it flushes standard output at its end."""
    try:
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
    except OSError:  # not a real file: nothing is flushed into it
        return
