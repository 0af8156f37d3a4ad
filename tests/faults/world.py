"""Two gateways, two pusher-apis over one store, killed and started again at the same addresses."""

import asyncio
import json
import signal
import subprocess
import tempfile
from pathlib import Path

from tests.faults.ledger import now
from tests.faults.speaking import get
from tests.python_tools import free_ports

START_SECONDS = 90


class Stuck(Exception):
    """The run cannot go on: a process has ended by itself, or something does not become true."""


class Server:
    """One process, which may be killed and comes back as it was."""

    def __init__(self, name, command, environment=None):
        self.name, self.command, self.environment = name, list(map(str, command)), environment
        self.process = None
        # Closed with the world, in `World.__exit__`.
        self.log = tempfile.TemporaryFile()  # noqa: SIM115

    def start(self):
        """Starts it."""
        self.process = subprocess.Popen(
            self.command, stdout=self.log, stderr=self.log, stdin=subprocess.DEVNULL, env=self.environment)

    def kill(self):
        """Ends it without a chance to say anything, and collects it."""
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def printed(self, most=4000):
        """The last it has logged."""
        self.log.seek(0, 2)
        self.log.seek(max(0, self.log.tell() - most))
        return self.log.read().decode(errors="replace")

    def check(self):
        """An error if it has ended by itself."""
        if self.process.poll() is not None:
            raise Stuck(f"{self.name} ended with {self.process.returncode}:\n{self.printed()}")


class Gateway(Server):
    """Where clients connect."""

    def __init__(self, number, binary, environment=None, flags=()):
        self.clients, self.tcp, self.operators = (f"127.0.0.1:{port}" for port in free_ports(3))
        super().__init__(f"gateway-{number}", [
            binary, "gateway", "--development", "--name", f"g{number}", "--listen", self.clients,
            "--listen-tcp", self.tcp, "--listen-operators", self.operators, "--drain", "2s",
            *flags], environment)

    async def is_there(self):
        """Whether it listens."""
        return (await get(self.operators, "/healthz"))[0] == 200


class PusherApi(Server):
    """Where backends push."""

    def __init__(self, number, binary, gateways, data, environment=None, flags=()):
        self.address, self.gateways = f"127.0.0.1:{free_ports(1)[0]}", gateways
        named = [flag for one in gateways for flag in ("--gateway", f"http://{one.operators}")]
        super().__init__(f"pusher-api-{number}", [
            binary, "pusher-api", "--development", "--listen", self.address, *named, "--data", data, *flags],
            environment)

    async def is_there(self):
        """Whether it is ready."""
        return (await get(self.address, "/readyz"))[0] == 200

    async def is_linked(self):
        """Whether it has a way to every gateway."""
        status, body = await get(self.address, "/v1/gateways")
        return status == 200 and all(it["state"] == "up" for it in json.loads(body)["gateways"])


class World:
    """All of them, and the directory of their store, which is gone at the end."""

    def __init__(self, binary, gateways=2, pusher_apis=2, environment=None, flags=(), directory=None):
        self.directory = tempfile.TemporaryDirectory(prefix="holdfast-faults-", dir=directory)
        self.data = Path(self.directory.name, "data")
        self.store = self.data / "holdfast.sqlite"
        self.gateways = [Gateway(number, binary, environment) for number in range(gateways)]
        self.pusher_apis = [
            PusherApi(number, binary, self.gateways, self.data, environment, flags)
            for number in range(pusher_apis)]
        self.servers = [*self.gateways, *self.pusher_apis]
        self.away = set()

    def __enter__(self):
        for server in self.servers:
            server.start()
        return self

    def __exit__(self, *_):
        for server in self.servers:
            if server.process is not None:
                server.kill()
            server.log.close()
        self.directory.cleanup()

    async def is_back(self, server):
        """Waits until a process works again, and every pusher-api that lives has its links."""
        await until(server.is_there, f"{server.name} is there", server, self.away)
        for pusher_api in self.pusher_apis:
            if pusher_api.name not in self.away:
                await until(pusher_api.is_linked, f"{pusher_api.name} is linked", pusher_api, self.away)

    async def ready(self):
        """Waits until all of them work."""
        for server in self.servers:
            await self.is_back(server)

    def check(self):
        """An error if one has ended by itself."""
        for server in self.servers:
            if server.name not in self.away:
                server.check()


async def until(holds, what, server=None, away=()):
    """Waits until it holds; who has been killed meanwhile is not waited for."""
    deadline = now() + START_SECONDS
    while now() < deadline:
        if server is not None and server.name in away:
            return
        if server is not None:
            server.check()
        try:
            if await holds():
                return
        except OSError:
            pass
        await asyncio.sleep(0.05)
    raise Stuck(f"not within {START_SECONDS} s: {what}")
