"""Debian's Orthanc with its DICOMweb plug-in, in a folder of its own and on free ports."""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Final

import attrs
import requests

from .running import Server, ServerError, program
from .tls import Certificates

__all__ = ["HOW_TO_INSTALL", "Orthanc", "OrthancError", "Settings", "installed"]

HOW_TO_INSTALL: Final = "apt-get install orthanc orthanc-dicomweb dcmtk"
_PLUGIN: Final = Path("/usr/share/orthanc/plugins/libOrthancDicomWeb.so")


class OrthancError(ServerError):
    """It did not take what it was given."""


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
    destinations
        Where C-MOVE may send to: ports of this machine, by AE title.
    certificates
        For DICOM over TLS; clients have to show a certificate, too.
    tls_destinations
        Whether it sends over TLS.
    nagle
        Whether Nagle's algorithm is on for DICOM, as Debian ships it.
    strict
        Whether it answers only those who call it by its own AE title, and whose it knows: those of
        `destinations`.

    Notes
    -----
    There is no HTTPS: any question over it kills Orthanc 1.10.1 of Debian 12, whose libcivetweb
    1.15 calls a function that OpenSSL 3 has no more. `tests.servers.tls` stands in front instead.
    """

    limit_results: int = 0
    limit_instances: int = 0
    users: Mapping[str, str] = attrs.field(factory=dict[str, str])
    destinations: Mapping[str, int] = attrs.field(factory=dict[str, int])
    certificates: Certificates | None = None
    tls_destinations: bool = False
    nagle: bool = False
    strict: bool = False

    def as_orthanc_writes(self) -> dict[str, Any]:
        """Return them by the names that Orthanc gives them."""
        return {
            "LimitFindResults": self.limit_results,
            "LimitFindInstances": self.limit_instances,
            "AuthenticationEnabled": bool(self.users),
            "RegisteredUsers": dict(self.users),
            "DicomModalities": {
                title: {
                    "AET": title,
                    "Host": "localhost",
                    "Port": port,
                    "UseDicomTls": self.tls_destinations,
                }
                for title, port in self.destinations.items()
            },
            "DicomCheckCalledAet": self.strict,
            "StrictAetComparison": self.strict,
            **{f"DicomAlwaysAllow{what}": not self.strict for what in _SERVICES},
            **self._tls(),
        }

    def _tls(self) -> dict[str, Any]:
        if self.certificates is None:
            return {}
        return {
            "DicomTlsEnabled": True,
            "DicomTlsCertificate": str(self.certificates.server),
            "DicomTlsPrivateKey": str(self.certificates.server),
            "DicomTlsTrustedCertificates": str(self.certificates.authority),
            "DicomTlsRemoteCertificateRequired": True,
        }


_SERVICES: Final = ("Echo", "Store", "Find", "Get", "Move")


class Orthanc(Server):
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

    ae_title: Final = "ORTHANC"
    _ports_needed = 2

    def __init__(self, folder: Path, settings: Settings | None = None) -> None:
        super().__init__(folder)
        self.settings: Settings = settings or Settings()
        self.session: requests.Session = _session(self.settings)

    @property
    def http_port(self) -> int:
        return self._ports[0]

    @property
    def dicom_port(self) -> int:
        return self._ports[1]

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

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Kill it."""
        super().__exit__(kind, error, traceback)
        self.session.close()

    def _environment(self) -> Mapping[str, str]:
        return {**os.environ, "TCP_NODELAY": str(int(not self.settings.nagle))}

    def _command(self) -> Sequence[str]:
        path = self.folder / "orthanc.json"
        path.write_text(json.dumps(self._configuration()), encoding="utf-8")
        found = program("Orthanc")
        if found is None:
            raise OrthancError(f"no Orthanc here: {HOW_TO_INSTALL}")
        return [found, str(path)]

    def _answers(self) -> bool:
        with suppress(requests.RequestException):
            return self.session.get(f"{self.root}/system", timeout=60).status_code == 200
        return False

    def _configuration(self) -> dict[str, Any]:
        storage = str(self.folder / "storage")
        return {
            "Name": "tests",
            "StorageDirectory": storage,
            "IndexDirectory": storage,
            "HttpPort": self.http_port,
            "DicomPort": self.dicom_port,
            "DicomAet": self.ae_title,
            "RemoteAccessAllowed": False,
            "SyncStorageArea": False,  # nothing here has to survive a power failure
            "SaveJobs": False,
            "Plugins": [str(_PLUGIN)],
            "DicomWeb": {"Enable": True, "EnableWado": True},
            **self.settings.as_orthanc_writes(),
        }


def installed() -> bool:
    """Say whether the server and its plug-in are here."""
    return _PLUGIN.is_file() and program("Orthanc") is not None


def _session(settings: Settings) -> requests.Session:
    session = requests.Session()
    session.trust_env = False
    for user, password in settings.users.items():
        session.auth = (user, password)
    return session
