"""Gateways behind one pusher-api, as many as descriptors make necessary."""

import contextlib
import http.client
import os
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

from .processes import Processes, answers
from .readings import metric

# Gateway number n listens on these plus n, and so do pusher-apis.
CLIENTS, OPERATORS, TCP = 10_000, 11_000, 12_000
API = 8090
SECRET = "only-for-figures-0123456789abcdef"


def healthz(url, patience):
    """Asks a process over a new connection; a ValueError if it does not say that it lives."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname, parts.port, timeout=patience)
    with contextlib.closing(connection):
        connection.request("GET", "/healthz")
        if connection.getresponse().status != 200:
            raise ValueError(url)


class Holdfast(Processes):
    """Gateways, a pusher-api, and how clients and backends reach them."""

    def __init__(self, program, directory, gateways=1, workers=1, flags=(), api_flags=()):
        super().__init__()
        self.secrets = {name: Path(directory) / name for name in ("jwt", "link", "api")}
        for file in self.secrets.values():
            file.write_text(SECRET)
        self.program, self.count = program, gateways
        self.target = f"ws://127.0.0.1:{CLIENTS}-{CLIENTS + gateways - 1}"
        self.api = f"http://127.0.0.1:{API}"
        self.all_operators = f"http://127.0.0.1:{OPERATORS}-{OPERATORS + gateways - 1}"
        self.gateways = [
            self.start_gateway(number, "--workers", workers, *flags) for number in range(gateways)
        ]
        self.api_flags = api_flags
        self.pusher_api = self.start_pusher_api()

    def start_gateway(self, number, *flags):
        """Starts one, also another time."""
        return self.start(
            self.program, "gateway", "--name", f"g{number}", "--echo", *flags,
            "--listen", f"127.0.0.1:{CLIENTS + number}",
            "--listen-tcp", f"127.0.0.1:{TCP + number}",
            "--listen-operators", f"127.0.0.1:{OPERATORS + number}",
            "--jwt-secret-file", self.secrets["jwt"], "--link-secret-file", self.secrets["link"],
        )

    def start_pusher_api(self, number=0):
        """Starts one; the first is the one that all else asks."""
        # It works for all gateways, and with more of them than processors an equal share is not
        # enough. Not as root, `nice` says that it cannot, and goes on.
        first = ["nice", "-n", -10] if self.count > os.cpu_count() else []
        return self.start(
            *first, self.program, "pusher-api", "--listen", f"127.0.0.1:{API + number}",
            "--gateway", self.all_operators, *self.api_flags,
            "--api-key-file", self.secrets["api"], "--link-secret-file", self.secrets["link"],
        )

    def await_ready(self):
        """Waits until every gateway listens and pusher-api is linked to all of them."""
        for number in range(self.count):
            url = f"{self.operators(number)}/healthz"
            self.wait_for(partial(answers, url), url)
        self.wait_for(lambda: answers(f"{self.api}/readyz"), "pusher-api")

    def operators(self, number):
        """Where a gateway's operators look."""
        return f"http://127.0.0.1:{OPERATORS + number}"

    def metric(self, name):
        """A metric of every gateway."""
        urls = (f"{self.operators(number)}/metrics" for number in range(self.count))
        return [value for url in urls for value in metric(url, name)]

    def sessions(self):
        """The sessions that the gateways say they hold."""
        return sum(self.metric("holdfast_sessions"))

    def accepted(self):
        """The pushes to single users that pusher-api has accepted."""
        return sum(metric(f"{self.api}/metrics", 'holdfast_pusher_targets_total{to="user"}'))

    def client_flags(self):
        """What a load client needs to connect."""
        return ["--target", self.target, "--token-secret-file", self.secrets["jwt"]]

    def over(self, path):
        """Where sessions over HTTP are, at this path of every gateway."""
        return f"http://127.0.0.1:{CLIENTS}-{CLIENTS + self.count - 1}{path}"

    def push_flags(self):
        """What a load client needs to push, too."""
        return [*self.client_flags(), "--api", self.api, "--api-key-file", self.secrets["api"]]
