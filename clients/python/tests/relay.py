"""What stands between a backend and pusher-api, and loses answers."""

import contextlib
import socket
import threading


class Relay:
    """Passes connections on to an address; while `loses`, it cuts those whose request is being answered.

    The request has arrived then, whole, and the answer never does.
    """

    def __init__(self, target: str) -> None:
        host, port = target.split(":")
        self.target = (host, int(port))
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        self.loses = threading.Event()
        self.lost = 0
        threading.Thread(target=self.accept, daemon=True).start()

    def __enter__(self) -> "Relay":
        return self

    def __exit__(self, *_: object) -> None:
        self.listener.close()

    def accept(self) -> None:
        """Takes connections until it is closed."""
        with contextlib.suppress(OSError):
            while True:
                here, _ = self.listener.accept()
                there = socket.create_connection(self.target)
                for one, other, is_answer in ((here, there, False), (there, here, True)):
                    threading.Thread(target=self.pump, args=(one, other, is_answer), daemon=True).start()

    def pump(self, source: socket.socket, sink: socket.socket, is_answer: bool) -> None:
        """Passes bytes on, one way."""
        with contextlib.suppress(OSError), source, sink:
            while data := source.recv(65536):
                if is_answer and self.loses.is_set():
                    self.lost += 1
                    break
                sink.sendall(data)
            for one in (source, sink):
                one.shutdown(socket.SHUT_RDWR)
