"""The real thing: gateways and pusher-apis that tests start, kill, drain and start at the same addresses."""

import json
import os
import signal
import socket
import ssl
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import urllib3

ROOT = Path(__file__).resolve().parents[3]
BINARY = Path(os.environ.get("BINARY", ROOT / "target/debug/holdfast"))
# A failure ends after so many seconds; nothing depends on how long anything takes.
PATIENCE = 60.0
SECRET, LINK_SECRET, API_KEY = "a secret of 32 bytes, for tests.", "link secret of the tests, long.", "s3cret"
KEYS = ROOT / "tests/keys/tls"
AUTHORITY = KEYS / "authority.pem"
CERTIFICATE = ["--tls-cert", str(KEYS / "localhost.pem"), "--tls-key", str(KEYS / "localhost.key.pem")]
HTTP = urllib3.PoolManager(retries=False, timeout=10.0)


def free_ports(count: int) -> list[int]:
    """Ports that nobody listens on."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports: list[int] = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def until(holds: Callable[[], bool], what: str) -> None:
    """Waits until it holds."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        try:
            if holds():
                return
        except (OSError, urllib3.exceptions.HTTPError):
            pass
        time.sleep(0.02)
    raise AssertionError(f"not within {PATIENCE:g} s: {what}")


def get(url: str) -> dict[str, Any]:
    """What a GET of a JSON document is answered with; an empty one for anything but 200."""
    answer = HTTP.request("GET", url, headers={"Authorization": f"Bearer {API_KEY}"})
    return dict(json.loads(answer.data)) if answer.status == 200 else {}


class Process:
    """One process, which comes back as it was."""

    def __init__(self, *command: str) -> None:
        self.command = [str(BINARY), *command]
        self.log = tempfile.TemporaryFile()  # noqa: SIM115
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Starts it."""
        self.process = subprocess.Popen(
            self.command, stdout=self.log, stderr=self.log, stdin=subprocess.DEVNULL
        )

    def end(self, number: int) -> None:
        """Ends it by a signal, and collects it."""
        if self.process is not None:
            self.process.send_signal(number)
            self.process.wait(PATIENCE)
            self.process = None

    def kill(self) -> None:
        """Ends it without a chance to say anything."""
        self.end(signal.SIGKILL)

    def stop(self) -> None:
        """Ends it in order."""
        self.end(signal.SIGTERM)


class World:
    """A gateway and a pusher-api with keys and a store, at addresses of their own."""

    def __init__(self, directory: Path) -> None:
        ports = free_ports(6)
        self.clients, tcp, operators, backends, clients_tls, backends_tls = (
            f"127.0.0.1:{port}" for port in ports
        )
        self.tls_url, self.tls_api = f"wss://localhost:{ports[4]}", f"https://localhost:{ports[5]}"
        self.url, self.api = f"ws://{self.clients}", f"http://{backends}"
        self.operators = f"http://{operators}"
        self.gateway = Process(
            "gateway", "--listen", self.clients, "--listen-tcp", tcp, "--listen-operators", operators,
            "--jwt-secret", SECRET, "--link-secret", LINK_SECRET, "--drain", "1s",
            "--client-subscribe", "any", "--tls-listen", clients_tls, *CERTIFICATE,
        )
        self.pusher_api = Process(
            "pusher-api", "--listen", backends, "--gateway", self.operators, "--api-key", API_KEY,
            "--link-secret", LINK_SECRET, "--data", str(directory / "data"), "--tls-listen", backends_tls,
            *CERTIFICATE,
        )

    def __enter__(self) -> "World":
        self.gateway.start()
        self.pusher_api.start()
        self.ready()
        return self

    def __exit__(self, *_: object) -> None:
        for process in (self.gateway, self.pusher_api):
            process.kill()
            process.log.close()

    def ready(self) -> None:
        """Waits until both work, and know of each other."""
        until(lambda: HTTP.request("GET", f"{self.operators}/healthz").status == 200, "the gateway is there")
        until(lambda: HTTP.request("GET", f"{self.api}/readyz").status == 200, "pusher-api is ready")
        until(self.is_linked, "they are linked")

    def is_linked(self) -> bool:
        """Whether pusher-api has its link."""
        gateways = get(f"{self.api}/v1/gateways").get("gateways", [])
        return bool(gateways) and all(one["state"] == "up" for one in gateways)

    def token(self, user: str, ttl: str = "1h", *flags: str) -> str:
        """A client's token."""
        command = [str(BINARY), "token", "--user", user, "--secret", SECRET, "--ttl", ttl, *flags]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()

    def says_its_process(self) -> bool:
        """Whether pusher-api says which process it is; those before November 2026 did not."""
        return "Holdfast-Process" in HTTP.request("GET", f"{self.api}/healthz").headers


def believing() -> ssl.SSLContext:
    """Believes the authority of the tests, whose certificates say less than newer Pythons ask for."""
    context = ssl.create_default_context(cafile=str(AUTHORITY))
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    return context


class Listener:
    """`holdfast listen`, which knows nothing of the library: what a user is sent, in the order it comes."""

    def __init__(self, world: World, user: str, *flags: str) -> None:
        self.frames_file = tempfile.NamedTemporaryFile()  # noqa: SIM115
        command = [
            str(BINARY), "listen", "--target", world.url, "--token", world.token(user), "--json", *flags,
        ]
        self.process = subprocess.Popen(command, stdout=self.frames_file, stderr=subprocess.DEVNULL)
        until(lambda: bool(self.frames("hello")), f"{user} is there")

    def __enter__(self) -> "Listener":
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()
        self.frames_file.close()

    def frames(self, kind: str) -> list[dict[str, Any]]:
        """Those of a type that have come whole."""
        lines = Path(self.frames_file.name).read_bytes().split(b"\n")[:-1]
        frames = [json.loads(line) for line in lines if line.startswith(b"{")]
        return [frame for frame in frames if frame["type"] == kind]

    def data(self) -> list[Any]:
        """What was pushed."""
        return [frame.get("data", frame.get("data_base64")) for frame in self.frames("push")]
