"""A TCP proxy on loopback that cuts connections after so many bytes in one direction and counts how often it did, or slows them down."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field


@dataclass
class Proxy:
    """Passes connections on to `target`. After `cut_after` bytes from the server (or client) both ends are hung up on.

    `passed` are the bytes that went each way in all connections, `cuts` how many connections of `taken` were cut. With
    `draw`, that function says for each new connection after how many bytes from server and client it is cut (None: never).
    With `bytes_per_s` no more than that comes through each way.
    """

    target: tuple[str, int]
    host: str
    port: int
    from_server: int | None = None
    from_client: int | None = None
    draw: Callable[[], tuple[int | None, int | None]] | None = None
    bytes_per_s: int | None = None
    cuts: int = 0
    taken: int = 0
    passed: dict[str, int] = field(default_factory=lambda: {"server": 0, "client": 0})

    def talk(self, client: socket.socket) -> None:
        """One connection, until somebody hangs up or it is cut."""
        self.taken += 1
        from_server, from_client = self.draw() if self.draw else (self.from_server, self.from_client)
        with client, socket.create_connection(self.target) as server:
            back = threading.Thread(target=self._pass, args=(server, client, from_server, "server"), daemon=True)
            back.start()
            self._pass(client, server, from_client, "client")
            back.join(timeout=30)

    def _pass(self, source: socket.socket, sink: socket.socket, limit: int | None, side: str) -> None:
        left = limit
        with contextlib.suppress(OSError):
            while piece := source.recv(65536 if self.bytes_per_s is None else self.bytes_per_s // 20):
                if self.bytes_per_s is not None:
                    time.sleep(len(piece) / self.bytes_per_s)
                sink.sendall(piece if left is None else piece[:left])
                self.passed[side] += len(piece)
                if left is not None:
                    left -= len(piece)
                    if left <= 0:
                        self.cuts += 1
                        break
        for end in (source, sink):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)


@contextlib.contextmanager
def proxy(target: tuple[str, int]) -> Iterator[Proxy]:
    """A proxy that runs until the block ends; its limits may be changed at any time and count for new connections."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        made = Proxy(target, "127.0.0.1", listener.getsockname()[1])

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    client, _ = listener.accept()
                    threading.Thread(target=made.talk, args=(client,), daemon=True).start()

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield made
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join(timeout=10)
