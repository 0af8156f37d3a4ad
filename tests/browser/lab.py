"""Gateways with keys, a page of another origin, and what it hears."""

import json
import threading
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from benches.measured.processes import answers
from tests.page.lab import KEY, LINK_SECRET, SECRET, Place
from tests.python_tools import free_ports

PAGE = (Path(__file__).resolve().parent / "page.html").read_bytes()
PATIENCE = 30_000
OTHER_SECRET = "another secret, 32 bytes or more of it"
# What `EventSource.readyState` says of one that has given up.
CLOSED = 2


def bearer(token, **more):
    """The header of a request by fetch."""
    return {"headers": {"Authorization": f"Bearer {token}"}, **more}


def frames_of(address, hello):
    """Where a session's frames are posted."""
    return f"http://{address}/v1/frames?session={hello['frame']['session']}"


def polled(answer):
    """The types of the frames of a poll's answer, or what the frame of a push brings."""
    return [frame.get("data", frame["type"]) for frame in answer["body"]["frames"]]


class Cluster(Place):
    """Gateways, and a pusher-api that is linked to them; all want keys and tokens."""

    def __init__(self, servers, binary, *flags, gateways=1, keeps=False):
        super().__init__(servers, binary)
        self.key = KEY
        self.flags = flags
        clients, tcp, operators, api = self.addresses
        self.ports = [(clients, tcp, operators)]
        for _ in range(1, gateways):
            self.ports.append(tuple(f"127.0.0.1:{port}" for port in free_ports(3)))
        self.pids = [self.open_gateway(number) for number in range(gateways)]
        named = [flag for _, _, operators in self.ports for flag in ("--gateway", f"http://{operators}")]
        servers.start(binary, "pusher-api", "--listen", api, *named, "--api-key", KEY,
                      "--link-secret", LINK_SECRET, *(["--data", self.data.name] if keeps else []))
        self.ready()

    def open_gateway(self, number=0):
        """Starts one of them, also another time."""
        clients, tcp, operators = self.ports[number]
        pid = self.servers.start(
            self.binary, "gateway", "--listen", clients, "--listen-tcp", tcp, "--listen-operators", operators,
            "--jwt-secret", SECRET, "--link-secret", LINK_SECRET, "--drain", "0s", *self.flags)
        self.servers.wait_for(partial(answers, f"http://{operators}/healthz"), "the gateway listens")
        return pid

    @property
    def clients(self):
        """Where the first gateway takes clients."""
        return self.ports[0][0]

    def is_true_of(self, what, holds):
        """Waits until what pusher-api says of something (`users/u`) is so."""
        self.servers.wait_for(lambda: holds(self.ask("GET", what)), f"{what} is as it has to be", every=0.05)


class Origin:
    """Where the page is served: nothing but the page."""

    def __init__(self):
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        port = self.server.server_port
        self.name = f"http://127.0.0.1:{port}"
        # The same page, and to a browser another origin (RFC 6454 section 4).
        self.other = f"http://localhost:{port}"


class Handler(BaseHTTPRequestHandler):
    """The page, whatever is asked for."""

    def do_GET(self):
        """Answers with the page."""
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(PAGE)))
        self.end_headers()
        self.wfile.write(PAGE)

    def log_message(self, *_):
        """Nobody asks for that."""


class Tab:
    """The page in a tab of its own."""

    def __init__(self, browser, origin):
        self.context = browser.new_context()
        self.page = self.context.new_page()
        self.page.set_default_timeout(PATIENCE)
        self.page.goto(origin)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.context.close()

    def does(self, function, *given):
        """Calls one of the page's functions without waiting for what it promises."""
        arguments = ", ".join(map(json.dumps, given))
        self.page.evaluate(f"void {function}({arguments})")

    def ask(self, address, **init):
        """A request by `fetch`: its status, kind and body, or the error."""
        return self.page.evaluate("([address, init]) => ask(address, init)", [address, init])

    def hears(self, count=1, **what):
        """Waits until so much of that has been heard (`by="message"`, `type="push"`); the last of it."""
        wanted = """([count, what]) => {
          const fits = one => Object.entries(what).every(
            ([name, value]) => (name in one ? one : one.frame ?? {})[name] === value);
          const found = heard.filter(fits);
          return found.length >= count && found.at(-1);
        }"""
        try:
            return self.page.wait_for_function(wanted, arg=[count, what]).json_value()
        except Exception as error:
            raise AssertionError(f"not heard: {count} of {what}, but {self.heard()}") from error

    def heard(self):
        """All that has been heard."""
        return self.page.evaluate("heard")

    def is_true(self, expression):
        """Waits until an expression holds."""
        self.page.wait_for_function(expression)
