"""Running processes, and a listener that knows exactly what a user was sent."""

import json
import subprocess
import tempfile
from functools import partial
from urllib.parse import urlencode
from urllib.request import Request, urlopen

from benches.measured.processes import answers
from tests.python_tools import free_ports

USER = "demo"
KEY, SECRET, LINK_SECRET = "the key of a backend", "a secret of the gateway, 32 bytes or more", "of the link"
SECONDS = 30


class Place:
    """A gateway and a pusher-api, and what an example is told of them by its environment."""

    def __init__(self, servers, binary):
        self.servers, self.binary = servers, binary
        self.addresses = [f"127.0.0.1:{port}" for port in free_ports(4)]
        clients, _, _, api = self.addresses
        self.clients, self.api = f"http://{clients}", f"http://{api}"
        self.environment = {"HOLDFAST_API": self.api, "HOLDFAST_CLIENTS": self.clients}
        self.token = None
        self.data = tempfile.TemporaryDirectory(prefix="holdfast-examples-")

    def without_keys(self):
        """`holdfast up`."""
        clients, tcp, operators, api = self.addresses
        self.servers.start(self.binary, "up", "--listen", clients, "--listen-tcp", tcp, "--listen-operators",
                           operators, "--listen-backends", api, "--data", self.data.name)
        return self.ready()

    def with_keys(self):
        """Two processes that want a token and a key."""
        clients, tcp, operators, api = self.addresses
        self.servers.start(self.binary, "gateway", "--listen", clients, "--listen-tcp", tcp,
                           "--listen-operators", operators, "--jwt-secret", SECRET,
                           "--link-secret", LINK_SECRET)
        self.servers.start(self.binary, "pusher-api", "--listen", api, "--gateway", f"http://{operators}",
                           "--api-key", KEY, "--link-secret", LINK_SECRET, "--data", self.data.name)
        command = [self.binary, "token", "--user", USER, "--secret", SECRET]
        self.token = subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
        self.environment |= {"HOLDFAST_KEY": KEY, "HOLDFAST_TOKEN": self.token}
        return self.ready()

    def who(self):
        """What a client adds to an address to say who it is."""
        return {"user": USER} if self.token is None else {"token": self.token}

    def ready(self):
        """Waits until pushes are taken."""
        self.servers.wait_for(partial(answers, f"{self.api}/readyz"), "pusher-api is ready")
        return self

    def ask(self, path, body=None, method=None):
        """A request to pusher-api with the test's own means."""
        headers = {"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"}
        body = json.dumps(body).encode() if body is not None else None
        request = Request(self.api + path, body, headers, method=method)
        with urlopen(request, timeout=SECONDS) as answer:
            return json.load(answer)

    def push(self, data):
        """A push to the user that everything here is about."""
        return self.ask("/v1/push", {"to": {"user": USER}, "data": data})["id"]

    def forget(self):
        """Forgets what is kept for the user: the next listener shall not be sent it."""
        self.ask(f"/v1/users/{USER}/kept", method="DELETE")

    def leave(self):
        """Ends the sessions of listeners before, which would count for some time yet."""
        self.ask(f"/v1/users/{USER}/sessions", method="DELETE")

    def sessions(self):
        """How many the user has."""
        return len(self.ask(f"/v1/users/{USER}")["sessions"])


class Listener:
    """The user's long poll, read by the test itself."""

    def __init__(self, place):
        self.place = place
        self.session, self.seen, self.frames = None, None, []
        self.poll()

    def poll(self):
        """Takes in what the next poll brings."""
        asked = {} if self.session is None else {"session": self.session, "seen": self.seen, "wait": "10s"}
        url = f"{self.place.clients}/v1/poll?{urlencode(self.place.who() | asked)}"
        with urlopen(url, timeout=SECONDS) as answer:
            if answer.status == 200:
                said = json.load(answer)
                self.session, self.seen = said["session"], said["seen"]
                self.frames += said["frames"]

    def since(self):
        """Ids and data of all pushes since the last call, up to one that is made now.

        The pushes of one user come in order, so nothing that was accepted before can come later.
        """
        last = self.place.push("and that was all")
        while not any(frame.get("id") == last for frame in self.frames):
            self.poll()
        pushes = [(frame["id"], frame["data"]) for frame in self.frames if frame["type"] == "push"]
        self.frames = []
        return [push for push in pushes if push[0] != last]
