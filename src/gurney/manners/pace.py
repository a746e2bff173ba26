"""How fast an archive is asked: requests and bytes in a second."""

from __future__ import annotations

__all__ = ["Pace"]


class Pace:
    """Shared by all who ask one archive: keeps them to a rate, and hears when it is busy."""

    def __init__(
        self, requests_per_second: float | None = None, bytes_per_second: float | None = None
    ) -> None:
        self.requests_per_second: float | None = requests_per_second
        self.bytes_per_second: float | None = bytes_per_second
        self.refusals: int = 0

    def request(self) -> None:
        """Wait until one more request may be sent."""

    def received(self, count: int) -> None:
        """Say that *count* bytes have come; wait as long as they are ahead of the rate."""

    def busy(self) -> None:
        """Say that the archive has refused a request because it has too many."""
        self.refusals += 1
