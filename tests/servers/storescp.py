"""Somebody else's receiver: DCMTK's storescp, which keeps each data set as it comes."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

from . import dcmtk
from .running import Server, is_listening
from .tls import Certificates

__all__ = ["Storescp"]


class Storescp(Server):
    """One receiver, which takes everything from everybody.

    Parameters
    ----------
    folder
        For its log, and for what it receives.
    port
        On loopback; any that is free, if not given.
    certificates
        To take only connections over TLS, from who has a certificate.
    """

    ae_title: Final = "STORESCP"

    def __init__(
        self, folder: Path, port: int | None = None, certificates: Certificates | None = None
    ) -> None:
        super().__init__(folder)
        self._ports = () if port is None else (port,)
        self.certificates: Certificates | None = certificates
        self.received: Path = folder / "received"
        self.received.mkdir(exist_ok=True)

    @property
    def port(self) -> int:
        return self._ports[0]

    def _command(self) -> Sequence[str]:
        return [
            dcmtk.path("storescp"),
            *("--fork", "--promiscuous", "--accept-all", "--bit-preserving", "--max-pdu", "131072"),
            *("--aetitle", self.ae_title, "--output-directory", str(self.received)),
            *self._tls(),
            str(self.port),
        ]

    def _tls(self) -> Sequence[str]:
        if self.certificates is None:
            return ()
        key = str(self.certificates.server)
        return ("--enable-tls", key, key, "--add-cert-file", str(self.certificates.authority))

    def _environment(self) -> Mapping[str, str]:
        return {**os.environ, "TCP_NODELAY": "1"}

    def _answers(self) -> bool:
        return is_listening(self.port)
