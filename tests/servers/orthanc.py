"""Debian's Orthanc with its DICOMweb plug-in, in a folder of its own and on free ports."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Final

import attrs
import requests
from typing_extensions import Self

__all__ = ["HOW_TO_INSTALL", "Orthanc", "OrthancError", "Settings", "installed"]

HOW_TO_INSTALL: Final = "apt-get install orthanc orthanc-dicomweb dcmtk"
_PLUGIN: Final = Path("/usr/share/orthanc/plugins/libOrthancDicomWeb.so")
_PATIENCE: Final = 0.05  # seconds between two looks at a server that is starting
_LOOKS: Final = 1200
_PORTS_TRIED: Final = 5
_LOG_SHOWN: Final = 1500  # bytes


class OrthancError(Exception):
    """The server did not start, or did not take what it was given."""


@attrs.frozen(kw_only=True)
class Settings:
    """What is set besides ports and folders.

    Attributes
    ----------
    limit_results
        Most patients, studies or series in an answer; 0 for all.
    limit_instances
        Most instances in an answer; 0 for all.
    users
        Passwords by name; without users, anyone on this machine may ask.

    Notes
    -----
    There is no TLS: any question over it kills Orthanc 1.10.1 of Debian 12, whose libcivetweb 1.15
    calls a function that OpenSSL 3 has no more. `tests.servers.tls` stands in front instead.
    """

    limit_results: int = 0
    limit_instances: int = 0
    users: Mapping[str, str] = attrs.field(factory=dict[str, str])

    def as_orthanc_writes(self) -> dict[str, Any]:
        """Return them by the names that Orthanc gives them."""
        return {
            "LimitFindResults": self.limit_results,
            "LimitFindInstances": self.limit_instances,
            "AuthenticationEnabled": bool(self.users),
            "RegisteredUsers": dict(self.users),
        }


class Orthanc:
    """One server. Within a ``with`` it runs; its folder, and so what it holds, is the caller's.

    Parameters
    ----------
    folder
        For its configuration, its log and its storage.
    settings
        Whatever differs from the defaults.

    Attributes
    ----------
    http_port, dicom_port
        On loopback; they stay the same when it is killed and started again.
    session
        One that is let in, for those who test; its environment is not looked at.
    """

    def __init__(self, folder: Path, settings: Settings | None = None) -> None:
        self.folder: Path = folder
        self.settings: Settings = settings or Settings()
        self.http_port: int = 0
        self.dicom_port: int = 0
        self.session: requests.Session = _session(self.settings)
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def root(self) -> str:
        """The address of the server, without a path."""
        return f"http://localhost:{self.http_port}"

    @property
    def url(self) -> str:
        """The address of QIDO-RS and WADO-RS."""
        return f"{self.root}/dicom-web"

    @property
    def wado_url(self) -> str:
        """The address of WADO-URI."""
        return f"{self.root}/wado"

    @property
    def pid(self) -> int:
        """The number of its process."""
        if self._process is None:
            raise OrthancError("not running")
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
        OrthancError
            If it does not.
        """
        for _ in range(1 if self.http_port else _PORTS_TRIED):
            fresh = not self.http_port
            if fresh:
                self.http_port, self.dicom_port = _free_ports()
            self._run()
            if self._answers():
                return
            self.kill()
            if fresh:  # somebody else may have taken them meanwhile
                self.http_port = self.dicom_port = 0
        raise OrthancError(f"Orthanc does not start; the end of its log:\n{self.log}")

    def kill(self) -> None:
        """Stop it as a power failure does."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def take(self, content: bytes) -> str:
        """Give it an instance; return ``"Success"``, ``"AlreadyStored"``, or why not.

        Raises
        ------
        OrthancError
            If it died of it.
        """
        try:
            answer = self.session.post(f"{self.root}/instances", data=content, timeout=120)
        except requests.RequestException as error:
            raise OrthancError(
                f"no answer from Orthanc; the end of its log:\n{self.log}"
            ) from error
        if answer.status_code != 200:
            return f"refused with {answer.status_code}"
        taken: dict[str, str] | list[dict[str, str]] = answer.json()
        items = [taken] if isinstance(taken, dict) else taken  # a ZIP may hold many
        return ", ".join(item["Status"] for item in items)

    def fill(self, contents: Iterable[bytes]) -> None:
        """Give it instances, all of which it has to take.

        Raises
        ------
        OrthancError
            If it does not.
        """
        statuses = Counter(map(self.take, contents))
        if wrong := statuses.keys() - {"Success"}:
            raise OrthancError(f"not taken: {', '.join(sorted(wrong))}\n{self.log}")

    def count(self, what: str) -> int:
        """Return how many ``"Studies"``, ``"Series"``, ``"Instances"`` it holds."""
        answer = self.session.get(f"{self.root}/statistics", timeout=60)
        return int(answer.json()[f"Count{what}"])

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
        self.session.close()

    def _run(self) -> None:
        path = self.folder / "orthanc.json"
        path.write_text(json.dumps(self._configuration()), encoding="utf-8")
        # Whoever starts it may be killed itself: the server is not to outlive that thread
        bound = [setpriv, "--pdeathsig", "KILL"] if (setpriv := shutil.which("setpriv")) else []
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                [*bound, _program(), str(path)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self.folder,
            )

    def _answers(self) -> bool:
        """Wait until it answers, or is dead."""
        assert self._process is not None
        for _ in range(_LOOKS):
            with suppress(requests.RequestException):
                if self.session.get(f"{self.root}/system", timeout=60).status_code == 200:
                    return self._process.poll() is None  # else another server has our port
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(_PATIENCE)
                return False
        return False

    def _configuration(self) -> dict[str, Any]:
        storage = str(self.folder / "storage")
        return {
            "Name": "tests",
            "StorageDirectory": storage,
            "IndexDirectory": storage,
            "HttpPort": self.http_port,
            "DicomPort": self.dicom_port,
            "DicomAet": "ORTHANC",
            "RemoteAccessAllowed": False,
            "SyncStorageArea": False,  # nothing here has to survive a power failure
            "SaveJobs": False,
            "Plugins": [str(_PLUGIN)],
            "DicomWeb": {"Enable": True, "EnableWado": True},
            **self.settings.as_orthanc_writes(),
        }


def installed() -> bool:
    """Say whether the server and its plug-in are here."""
    return _PLUGIN.is_file() and bool(shutil.which("Orthanc", path=_path()))


def _program() -> str:
    found = shutil.which("Orthanc", path=_path())
    if found is None:
        raise OrthancError(f"no Orthanc here: {HOW_TO_INSTALL}")
    return found


def _path() -> str:
    """Where to look: Debian puts it where only root looks."""
    return ":".join(["/usr/local/sbin", "/usr/sbin", "/usr/local/bin", "/usr/bin"])


def _session(settings: Settings) -> requests.Session:
    session = requests.Session()
    session.trust_env = False
    for user, password in settings.users.items():
        session.auth = (user, password)
    return session


def _free_ports() -> tuple[int, int]:
    """Two, held at the same time so that they differ."""
    with socket.socket() as one, socket.socket() as other:
        one.bind(("127.0.0.1", 0))
        other.bind(("127.0.0.1", 0))
        first: int = one.getsockname()[1]
        second: int = other.getsockname()[1]
        return first, second
