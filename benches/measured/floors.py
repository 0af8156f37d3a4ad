"""The yardstick: bare epoll servers (`benches/floor`), told what to write on their control ports."""

import contextlib
import socket
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from .holdfast import SECRET
from .processes import Processes

# Floor number n listens on these plus n.
CLIENTS, CONTROLS = 10_000, 13_000


class Floors(Processes):
    """As many floors as there are gateways."""

    def __init__(self, program, directory, count):
        super().__init__()
        # The floor does not look at tokens, but the client shall have the same work with both.
        self.secret = Path(directory) / "jwt"
        self.secret.write_text(SECRET)
        self.count = count
        self.floors = [
            self.start(
                program, "--listen", f"127.0.0.1:{CLIENTS + number}",
                "--control", f"127.0.0.1:{CONTROLS + number}", "--ping-interval", 25,
            )
            for number in range(count)
        ]
        self.controls = []

    def await_ready(self):
        """Connects to every control port."""
        self.wait_for(lambda: self._connect() or True, "floors")

    def _connect(self):
        while len(self.controls) < self.count:
            address = ("127.0.0.1", CONTROLS + len(self.controls))
            self.controls.append(socket.create_connection(address).makefile("rw"))

    def tell(self, line):
        """Tells all floors at once; the sum of what they did."""
        def one(control):
            control.write(line + "\n")
            control.flush()
            return int(control.readline().split()[1])

        with ThreadPoolExecutor(self.count) as pool:
            return sum(pool.map(one, self.controls))

    def sessions(self):
        """The sessions that the floors hold."""
        return self.tell("count")

    def client_flags(self):
        """What a load client needs to connect."""
        target = f"ws://127.0.0.1:{CLIENTS}-{CLIENTS + self.count - 1}"
        return ["--target", target, "--token-secret-file", self.secret, "--no-hello"]

    def __exit__(self, *reason):
        super().__exit__(*reason)
        for control in self.controls:
            # A floor that ended before its time cannot be told what it had not read yet.
            with contextlib.suppress(OSError):
                control.close()
