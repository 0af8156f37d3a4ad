"""What is measured of a gateway, a store and clients: figures by name, each part with servers of its own."""

import re
import subprocess
from pathlib import Path

from benches.measured.holdfast import SECRET
from benches.measured.unicast import quantile

from .crowd import Crowd
from .pushes import Batches, each, paced, to_random
from .servers import Watch, kept

CONNECTIONS = 64
SECONDS = 10


def users(count):
    """Names."""
    return [f"u{number}" for number in range(count)]


def flat_out(given, acknowledging=False, apis=1):
    """Pushes to random users that are online, by batches as fast as they are taken: kept and received."""
    names = users(given.sessions)
    lines = to_random(names, given.pushes)
    with kept(given, apis) as servers, Crowd(names, acknowledging) as crowd:
        crowd.await_hellos(servers)
        with Watch(given, servers, crowd) as watch:
            batches = Batches(lines, apis=apis)
            count, stored = batches.wait()
            received = crowd.await_pushes(servers, count)
        took = max(stored, received) - batches.begun
        return watch.figures | {
            "per_s": count / took, "stored_per_s": count / (stored - batches.begun),
            "missing": len(lines) - count + abs(count - crowd.pushes()), "lost": crowd.lost()}


def acknowledged(given):
    """The same with clients that acknowledge."""
    return flat_out(given, acknowledging=True)


def shared(given):
    """The same over two pusher-apis that share the file."""
    return flat_out(given, apis=2)


def single(given):
    """A push in each request, over many connections."""
    names = users(given.sessions)
    script = Path(__file__).with_name("post.lua")
    with kept(given) as servers, Crowd(names) as crowd:
        crowd.await_hellos(servers)
        with Watch(given, servers, crowd) as watch:
            said = subprocess.run(
                ["wrk", "-t2", f"-c{CONNECTIONS}", f"-d{SECONDS}s", "--latency", "-s", script, servers.api,
                 "--", str(given.sessions), SECRET],
                check=True, capture_output=True, text=True).stdout
        rate = float(re.search(r"Requests/sec:\s+([\d.]+)", said)[1])
        syncs = CONNECTIONS * watch.figures["sync_per_s"]
        return watch.figures | {"per_s": rate, "per_sync": rate / syncs, "missing": 0,
                                "refused": said.count("Non-2xx")}


def latency(given):
    """How late pushes are at a steady rate, by one batch whose lines come one by one."""
    names = users(given.sessions)
    with kept(given) as servers, Crowd(names, timed=True) as crowd:
        crowd.await_hellos(servers)
        with Watch(given, servers, crowd) as watch:
            count = paced(names, given.push_rate, SECONDS)
            crowd.await_pushes(servers, count)
        missing, late = abs(count - crowd.pushes()), crowd.latencies()
        sync = watch.figures["sync_ms"] / 1000
        p50, p99 = quantile(late, 0.5), quantile(late, 0.99)
        return watch.figures | {
            "p50_ms": p50 * 1000, "p99_ms": p99 * 1000, "p50_syncs": p50 / sync, "p99_syncs": p99 / sync,
            "per_s": count / SECONDS, "missing": missing}


def replay(given):
    """Users come back at once, to messages that were kept while they were away."""
    names = users(given.returning)
    with kept(given) as servers:
        with Crowd(names) as crowd:
            crowd.await_hellos(servers)
        Batches(each(names, given.missed)).wait()
        with Watch(given, servers) as watch, Crowd(names) as crowd:
            last = crowd.await_pushes(servers, len(names) * given.missed)
        missing = abs(len(names) * given.missed - crowd.pushes())
        return watch.figures | {"seconds": last - crowd.first(), "missing": missing}
