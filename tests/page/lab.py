"""Real processes and a real browser for the cases."""

import base64
import hashlib
import hmac
import json
import subprocess
import tempfile
import threading
import time
import urllib.request
from contextlib import contextmanager
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from benches.measured.processes import answers
from tests.python_tools import free_ports

KEY = "the key of a backend"
SECRET = "a secret of the gateway, 32 bytes or more"
LINK_SECRET = "the secret of the link between them"
PHONE = {"width": 390, "height": 844}
DESK = {"width": 1280, "height": 800}


def base64url(data):
    """As it stands in a JWT (RFC 7515 section 2)."""
    return base64.urlsafe_b64encode(data).rstrip(b"=")


class Place:
    """A gateway and a pusher-api with its page, in one process or in two."""

    def __init__(self, servers, binary):
        self.servers = servers
        self.binary = binary
        self.addresses = [f"127.0.0.1:{port}" for port in free_ports(4)]
        self.page = f"http://{self.addresses[3]}/"
        self.key = None
        self.data = tempfile.TemporaryDirectory(prefix="holdfast-page-")

    def development(self):
        """`holdfast up`."""
        clients, tcp, operators, api = self.addresses
        self.servers.start(self.binary, "up", "--listen", clients, "--listen-tcp", tcp,
                           "--listen-operators", operators, "--listen-backends", api,
                           "--data", self.data.name)
        return self.ready()

    def with_keys(self, *, api_is_open=False):
        """Two processes, which want tokens and keys; pusher-api can do without."""
        self.key = None if api_is_open else KEY
        guard = ["--insecure"] if api_is_open else ["--api-key", KEY]
        clients, _, operators, api = self.addresses
        self.start_gateway()
        self.servers.start(self.binary, "pusher-api", "--listen", api, "--gateway", f"http://{operators}",
                           *guard, "--link-secret", LINK_SECRET,
                           "--page-websocket-url", f"ws://{clients}/v1/ws")
        return self.ready()

    def start_gateway(self, *flags, secret=SECRET):
        """The gateway of `with_keys`; also another time, when the one before has ended."""
        clients, tcp, operators, _ = self.addresses
        self.gateway = self.servers.start(
            self.binary, "gateway", "--listen", clients, "--listen-tcp", tcp, "--listen-operators", operators,
            "--jwt-secret", secret, "--link-secret", LINK_SECRET, "--drain", "0s", *flags)
        self.servers.wait_for(partial(answers, f"http://{operators}/healthz"), "the gateway listens")

    def ready(self):
        """Waits until pushes are taken."""
        self.servers.wait_for(partial(answers, f"{self.page}readyz"), "pusher-api is ready")
        return self

    def token(self, user, *flags, secret=SECRET):
        """A token as `holdfast token` makes it."""
        command = [self.binary, "token", "--user", user, "--secret", secret, *flags]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    @staticmethod
    def expired_token(user):
        """One that was good until a day ago; `holdfast token` makes none."""
        parts = [{"alg": "HS256", "typ": "JWT"}, {"sub": user, "exp": int(time.time()) - 86_400}]
        text = b".".join(base64url(json.dumps(part).encode()) for part in parts)
        code = hmac.new(SECRET.encode(), text, hashlib.sha256).digest()
        return (text + b"." + base64url(code)).decode()

    def ask(self, method, path, body=None):
        """A backend's request; the answer."""
        request = urllib.request.Request(f"{self.page}v1/{path}", method=method)
        request.add_header("Content-Type", "application/json")
        if self.key:
            request.add_header("Authorization", f"Bearer {self.key}")
        data = None if body is None else json.dumps(body).encode()
        with urllib.request.urlopen(request, data, timeout=30) as response:
            return json.load(response)

    def push(self, data, **to):
        """A backend's push."""
        return self.ask("POST", "push", {"to": to or {"user": "demo"}, "data": data})


class Refusal(BaseHTTPRequestHandler):
    """What a proxy says that has no gateway."""

    def do_GET(self):
        """503, whatever is asked for."""
        self.send_response(503)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        """Nobody asks for that."""


@contextmanager
def refusing(address):
    """While it lasts, whoever comes there is refused."""
    host, port = address.split(":")
    with ThreadingHTTPServer((host, int(port)), Refusal) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield
        finally:
            server.shutdown()


class Visit:
    """The page in a tab of its own; counts its WebSockets and keeps what it complains of."""

    def __init__(self, browser, place, viewport=DESK, **context):
        self.place = place
        self.context = browser.new_context(viewport=viewport, **context)
        self.tab = self.context.new_page()
        self.complaints = []
        self.frames = []
        self.sockets = 0
        self.addresses = []
        self.tab.on("console", self.on_console)
        self.tab.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.tab.on("websocket", self.on_websocket)
        # Minutes pass at once where a case says so.
        self.tab.clock.install()
        self.response = self.tab.goto(place.page)

    def on_websocket(self, socket):
        """One more, and what it hears."""
        self.sockets += 1
        self.addresses.append(socket.url)
        socket.on("framereceived", self.on_frame)

    def on_frame(self, text):
        """What the gateway says."""
        self.frames.append(text)

    def on_console(self, message):
        """Refused WebSockets are meant; what the policy forbids, nobody may have tried."""
        if "Policy" in message.text:
            self.complaints.append(message.text)

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        self.context.close()
        assert kind or not self.complaints, self.complaints

    def at(self, name):
        """The element with this id."""
        return self.tab.locator(f"#{name}")

    def connect(self, token):
        """Gives a token, as a person does."""
        self.at("token").fill(token)
        self.tab.get_by_role("button", name="Connect", exact=True).click()

    def push(self, data=None, **to):
        """A push by the page's form."""
        for kind, name in to.items():
            self.at("kind").select_option(kind)
            self.at("name").fill(name)
        if data is not None:
            self.at("data").fill(data)
        self.tab.get_by_role("button", name="Push", exact=True).click()

    def heard(self, kind):
        """The frames of a type that have come."""
        return [frame for frame in map(json.loads, self.frames) if frame["type"] == kind]
