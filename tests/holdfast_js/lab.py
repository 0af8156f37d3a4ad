"""A page with `holdfast.js`, and a way to the gateway that can be cut, blocked or mute."""

import contextlib
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from tests.browser.relay import PIECE, Relay
from tests.python_tools import ROOT

PATIENCE = 60_000
HERE = Path(__file__).resolve().parent
FILES = {
    "/": (HERE / "page.html", "text/html; charset=utf-8"),
    "/holdfast.js": (ROOT / "clients/js/holdfast.js", "text/javascript"),
    "/badge": (ROOT / "examples/badge/index.html", "text/html; charset=utf-8"),
}


class Handler(BaseHTTPRequestHandler):
    """Files by their names."""

    def do_GET(self):
        """Answers with one of them."""
        found = FILES.get(self.path.split("?")[0])
        body = found[0].read_bytes() if found else b""
        self.send_response(200 if found else 404)
        self.send_header("Content-Type", found[1] if found else "text/plain")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        """Nobody asks for that."""


class Origin:
    """Where the pages are served: another origin than the gateway's."""

    def __init__(self):
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.name = f"http://127.0.0.1:{self.server.server_port}"


class Way(Relay):
    """A relay that refuses WebSockets, holds back streams, or lets nothing through that the server says."""

    def __init__(self, *servers, refuses=(), holds=()):
        self.refuses = tuple(refuses)
        self.holds = tuple(holds)
        self.held = set()
        self.is_mute = False
        self.is_open = True
        super().__init__(*servers)

    @property
    def url(self):
        """Where clients go."""
        return f"http://{self.address}"

    def server(self):
        """Nobody, while it is cut."""
        return super().server() if self.is_open else None

    def pass_up(self, near, far):
        """What a client says, unless it is refused."""
        with contextlib.suppress(OSError):
            first = near.recv(PIECE)
            head = first.decode(errors="replace")
            # A browser opens connections ahead, and may close them without a word.
            if head:
                self.heads.append(head)
            if head.startswith(self.refuses):
                near.sendall(b"HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
                near.close()
                far.close()
                return
            if head.startswith(self.holds):
                self.held.add(near)
            far.sendall(first)
            while piece := near.recv(PIECE):
                far.sendall(piece)
            far.close()

    def pass_down(self, far, near):
        """What a server says, as far as it gets through."""
        with contextlib.suppress(OSError):
            while piece := far.recv(PIECE):
                if near not in self.held and not self.is_mute:
                    near.sendall(piece)
            near.close()

    def go(self):
        """Cuts everybody off, and takes nobody until `come`."""
        self.is_open = False
        self.cut()

    def come(self):
        """Takes clients again."""
        self.is_open = True


class Tab:
    """A page with a session, in a tab of its own; in a browser's context of its own unless one is given."""

    def __init__(self, browser, origin, context=None, clock=False):
        self.own = None if context else browser.new_context()
        self.context = context or self.own
        self.page = self.context.new_page()
        self.page.set_default_timeout(PATIENCE)
        if clock:
            self.page.clock.install()
        self.page.goto(origin.name)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.page.close()
        if self.own:
            self.own.close()

    def opens(self, url, *tokens, **options):
        """Connects."""
        self.page.wait_for_function("window.open_session !== undefined")
        given = [url, {"tokens": tokens, **options}]
        self.page.evaluate("([url, options]) => open_session(url, options)", given)

    def hears(self, count=1, **what):
        """Waits until so much of that has been heard (`type="push"`, `state="open"`); the last of it."""
        wanted = """([count, what]) => {
          const fits = one => Object.entries(what).every(([name, value]) => one[name] === value);
          const found = heard.filter(fits);
          return found.length >= count && found[count - 1];
        }"""
        try:
            return self.page.wait_for_function(wanted, arg=[count, what]).json_value()
        except Exception as error:
            raise AssertionError(f"not heard: {count} of {what}, but {json.dumps(self.heard())}") from error

    def heard(self, **what):
        """All that has been heard, or of a kind."""
        return [one for one in self.page.evaluate("heard") if what.items() <= one.items()]

    def data(self):
        """The data of all pushes."""
        return [push["data"] for push in self.heard(type="push")]

    def does(self, expression):
        """Runs a script."""
        return self.page.evaluate(expression)
