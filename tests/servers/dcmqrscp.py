"""The archive of Debian's DCMTK, dcmqrscp, in a folder of its own and on a free port."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final

from . import dcmtk
from .running import Server, is_listening

__all__ = ["Dcmqrscp"]

_ONCE: Final = 500  # files; a command line holds so many
_CONFIGURATION: Final = """\
NetworkTCPPort  = {port}
MaxPDUSize      = 131072
MaxAssociations = 16
HostTable BEGIN
{hosts}
HostTable END
VendorTable BEGIN
VendorTable END
AETable BEGIN
{title} {storage} RW (500, 1024mb) ANY
AETable END
"""


class Dcmqrscp(Server):
    """One archive: strict about levels, forgiving about keys.

    Parameters
    ----------
    folder
        For its configuration, its log and its storage.
    destinations
        Where C-MOVE may send to: ports of this machine, by AE title.
    options
        Of the program. It takes and sends uncompressed instances only, unless they say otherwise.
    """

    ae_title: Final = "DCMQRSCP"

    def __init__(
        self, folder: Path, destinations: Mapping[str, int], options: Sequence[str] = ()
    ) -> None:
        super().__init__(folder)
        self.options: tuple[str, ...] = tuple(options)
        self.destinations: Mapping[str, int] = destinations
        self.storage: Path = folder / "storage"
        self.storage.mkdir(exist_ok=True)

    @property
    def dicom_port(self) -> int:
        return self._ports[0]

    def fill(self, contents: Iterable[bytes]) -> None:
        """Lay instances into its storage, and register them.

        Raises
        ------
        ServerError
            If one cannot be registered.
        """
        start = sum(1 for _ in self.storage.iterdir())
        paths: list[Path] = []
        for number, content in enumerate(contents, start):
            paths.append(self.storage / f"{number}.dcm")
            paths[-1].write_bytes(content)
        for begin in range(0, len(paths), _ONCE):
            dcmtk.run("dcmqridx", str(self.storage), *map(str, paths[begin : begin + _ONCE]))

    def _command(self) -> Sequence[str]:
        path = self.folder / "dcmqrscp.cfg"
        hosts = [
            f"{title.lower()} = ({title}, localhost, {port})"
            for title, port in self.destinations.items()
        ]
        text = _CONFIGURATION.format(
            port=self.dicom_port,
            hosts="\n".join(hosts),
            title=self.ae_title,
            storage=self.storage,
        )
        path.write_text(text, encoding="ascii")
        program = [dcmtk.path("dcmqrscp"), "--disable-host-lookup", "--config", str(path)]
        return [*program, *self.options]

    def _environment(self) -> Mapping[str, str]:
        return {**os.environ, "TCP_NODELAY": "1"}

    def _answers(self) -> bool:
        return is_listening(self.dicom_port)
