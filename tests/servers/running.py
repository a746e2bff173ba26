"""A server program in a folder of its own, which does not outlive whoever started it."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
from abc import ABC, abstractmethod
from collections.abc import Generator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Final

from typing_extensions import Self

__all__ = ["Server", "ServerError", "free_ports", "is_listening", "program", "reserved_ports"]

_PATIENCE: Final = 0.05  # seconds between two looks at a server that is starting
_LOOKS: Final = 1200
_TRIES: Final = 5
_LOG_SHOWN: Final = 1500  # bytes
# Debian puts servers where only root looks
_PATH: Final = ":".join(["/usr/local/sbin", "/usr/sbin", "/usr/local/bin", "/usr/bin"])


class ServerError(Exception):
    """The server did not start, or did not take what it was given."""


class Server(ABC):
    """One server. Within a ``with`` it runs; its folder, and so what it holds, is the caller's.

    Its ports stay the same when it is killed and started again.

    Parameters
    ----------
    folder
        For its configuration, its log and its storage.
    """

    def __init__(self, folder: Path) -> None:
        self.folder: Path = folder
        self._ports: tuple[int, ...] = ()
        self._process: subprocess.Popen[bytes] | None = None

    @abstractmethod
    def _command(self) -> Sequence[str]:
        """Return what starts it, after writing its configuration."""

    @abstractmethod
    def _answers(self) -> bool:
        """Say whether it answers by now."""

    _ports_needed: int = 1

    @property
    def pid(self) -> int:
        """The number of its process."""
        if self._process is None:
            raise ServerError("not running")
        return self._process.pid

    @property
    def log(self) -> str:
        """The end of what it wrote."""
        path = self.folder / "log"
        if not path.exists():
            return ""
        return path.read_bytes()[-_LOG_SHOWN:].decode("utf-8", "replace")

    def start(self) -> None:
        """Start it, and return when it answers.

        Raises
        ------
        ServerError
            If it does not.
        """
        for _ in range(1 if self._ports else _TRIES):
            fresh = not self._ports
            if fresh:
                self._ports = free_ports(self._ports_needed)
            self._run()
            if self._comes_up():
                return
            self.kill()
            if fresh:  # somebody else may have taken them meanwhile
                self._ports = ()
        raise ServerError(f"{type(self).__name__} does not start; end of its log:\n{self.log}")

    def kill(self) -> None:
        """Stop it, and what it has forked, as a power failure does."""
        if self._process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None

    def __enter__(self) -> Self:
        """Start it."""
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Kill it."""
        self.kill()

    def _environment(self) -> Mapping[str, str]:
        return os.environ

    def _run(self) -> None:
        command = self._command()
        # Whoever starts it may be killed itself: the server is not to outlive that thread
        bound = [setpriv, "--pdeathsig", "KILL"] if (setpriv := shutil.which("setpriv")) else []
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [*bound, *command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.folder,
                env=self._environment(),
                start_new_session=True,
            )

    def _comes_up(self) -> bool:
        """Wait until it answers, or is dead."""
        assert self._process is not None
        for _ in range(_LOOKS):
            if self._answers():
                return self._process.poll() is None  # else another server has our port
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(_PATIENCE)
                return False
        return False


def program(name: str) -> str | None:
    """Return the path of a program, if it is installed."""
    return shutil.which(name, path=_PATH)


def is_listening(port: int) -> bool:
    """Say whether somebody on this machine takes connections there."""
    with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=60):
        return True
    return False


def free_ports(count: int) -> tuple[int, ...]:
    """Return so many, on loopback; held at the same time so that they differ."""
    with reserved_ports(count) as ports:
        return ports


@contextmanager
def reserved_ports(count: int) -> Generator[tuple[int, ...]]:
    """Yield so many ports of loopback that nobody is given meanwhile who asks for a free one.

    Who asks for one by its number, and sets SO_REUSEADDR, may listen there.
    """
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            one.bind(("127.0.0.1", 0))
        yield tuple(one.getsockname()[1] for one in sockets)
