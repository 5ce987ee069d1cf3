"""Who may send studies, and where their results go."""

from __future__ import annotations

import re
import socket
from dataclasses import dataclass

from vasotype.findings import StudyError

_PEER = re.compile(r"(?P<aet>[\w-][\w .-]{0,15})@(?P<host>[^@:\s]+):(?P<port>\d{1,5})", re.ASCII)
"""``AET@HOST:PORT``; a title has at most 16 characters (PS3.5 6.2) and also names a folder."""


@dataclass(frozen=True)
class Peer:
    """Another DICOM application: its title, its host, and the port where it takes results.

    ``addresses`` are those that ``host`` stands for: associations from elsewhere are not its own.
    """

    aet: str
    host: str
    port: int
    addresses: frozenset[str]

    @classmethod
    def parse(cls, text: str) -> Peer:
        """The peer that ``AET@HOST:PORT`` names.

        Raises StudyError ``peer-invalid`` for another form or a host that no name service knows.
        """
        match = _PEER.fullmatch(text)
        if match is None or not 0 < int(match["port"]) < 65536:
            raise StudyError("peer-invalid", f"{text}: a peer is written AET@HOST:PORT")
        host, port = match["host"], int(match["port"])
        try:
            found = socket.getaddrinfo(host, port, family=socket.AF_INET, type=socket.SOCK_STREAM)
        except OSError as error:
            raise StudyError("peer-invalid", f"{text}: no host is called {host}") from error
        return cls(match["aet"], host, port, frozenset(str(entry[4][0]) for entry in found))

    def is_at(self, aet: str, address: str) -> bool:
        """Whether an association with this title, from this IP address, is the peer's."""
        return aet == self.aet and address in self.addresses
