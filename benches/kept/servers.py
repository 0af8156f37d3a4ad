"""A gateway, pusher-apis that share one store, and what each of them uses of the machine."""

import contextlib
import os
import time
from pathlib import Path

from benches.measured.holdfast import API, Holdfast
from benches.measured.processes import answers
from benches.measured.readings import cpu_seconds, metric

from . import disk


class Kept(Holdfast):
    """The same with a store in this directory."""

    def __init__(self, program, directory, apis=1):
        self.data = Path(directory) / "data"
        super().__init__(program, directory, api_flags=["--data", self.data])
        self.pusher_apis = [self.pusher_api]
        self.pusher_apis += [self.start_pusher_api(number) for number in range(1, apis)]

    def await_ready(self):
        """Waits until all are linked."""
        super().await_ready()
        for number in range(len(self.pusher_apis)):
            url = f"http://127.0.0.1:{API + number}/readyz"
            self.wait_for(lambda url=url: answers(url), url)

    def commits(self):
        """How often each pusher-api has committed."""
        name = "holdfast_store_commit_duration_seconds_count"
        urls = (f"http://127.0.0.1:{API + number}/metrics" for number in range(len(self.pusher_apis)))
        return [value for url in urls for value in metric(url, name)]

    def restart(self, killed):
        """Ends the pusher-api, at once or as it ends by itself, and starts it again: the seconds until it is
        ready."""
        if killed:
            process = next(process for process in self.started if process.pid == self.pusher_api)
            process.kill()
        self.stop(self.pusher_api)
        begun = time.monotonic()
        self.pusher_api = self.start_pusher_api()
        self.wait_for(lambda: answers(f"{self.api}/readyz"), "pusher-api", every=0.01)
        return time.monotonic() - begun


@contextlib.contextmanager
def kept(given, apis=1):
    """Servers with a fresh store on the disk."""
    with disk.fresh(given.directory) as directory, Kept(given.program, directory, apis) as servers:
        servers.await_ready()
        yield servers


class Watch:
    """What processes use of the processors, and what the disk does by itself just before and after."""

    def __init__(self, given, servers, crowd=None):
        self.directory, self.servers = given.directory, servers
        self.groups = {"gateway": servers.gateways, "pusher_api": servers.pusher_apis,
                       "clients": crowd.pids() if crowd else [], "backend": [os.getpid()]}
        self.figures = {}

    def _used(self):
        return {name: cpu_seconds(pids) for name, pids in self.groups.items()}

    def __enter__(self):
        self.synced = disk.syncs(self.directory)
        self.committed = sum(self.servers.commits())
        self.before, self.begun = self._used(), time.monotonic()
        return self

    def __exit__(self, *_):
        took, used = time.monotonic() - self.begun, self._used()
        self.figures = {"commits": sum(self.servers.commits()) - self.committed}
        self.figures |= {f"{name}_cores": (used[name] - self.before[name]) / took for name in used}
        self.figures |= disk.figures(self.synced + disk.syncs(self.directory))
        self.figures["load"] = os.getloadavg()[0]
