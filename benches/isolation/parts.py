"""What is measured: each answers with figures by name."""

import contextlib
import http.client
import json
import os
import random
import signal
import tempfile
import threading
import time

from benches.measured.client import Client
from benches.measured.holdfast import API, CLIENTS, SECRET, Holdfast, healthz
from benches.measured.joining import join
from benches.measured.runs import await_sessions
from benches.measured.tokens import hs256
from benches.measured.unicast import BROADCAST, connect, frames

from .asked import PATIENCE, Asked, Posts

BATCH_BYTES = 38_000_000


@contextlib.contextmanager
def held(given, binaries, sessions, gateways=1, scenario="idle", flags=()):
    """Holdfast, and a load client whose sessions are all there."""
    with tempfile.TemporaryDirectory() as directory, \
            Holdfast(binaries / "holdfast", directory, gateways) as holdfast:
        holdfast.await_ready()
        scenario_flags = flags or ["--hold", "3600s", *holdfast.client_flags()]
        if scenario == "push":
            scenario_flags = [*flags, *holdfast.push_flags()]
        client = Client(given.client, scenario, *scenario_flags, sessions=sessions)
        try:
            await_sessions(holdfast, sessions, client)
            yield holdfast, client
        finally:
            client.process.kill()
            client.process.wait()


def beside_batches(given, binaries):
    """Single pushes while one batch after another of 38 MB is read by the same worker."""
    users = 1000
    line = json.dumps({"to": {"user": "u{}"}, "data": "x" * 120}).replace("{}", "%d")
    size = len(line)
    body = "\n".join(line % random.randrange(users) for _ in range(BATCH_BYTES // size)).encode()
    with held(given, binaries, users) as (holdfast, _):
        one = Posts(holdfast.api, "/v1/push", SECRET, json.dumps({"to": {"user": "u1"}, "data": "one"}))
        with Asked(one, 100) as alone:
            time.sleep(5)
        with Asked(one, 100) as singles, Asked(lambda: healthz(holdfast.api, PATIENCE), 20) as health:
            seconds = [batch(body) for _ in range(3)]
    return {"alone_ms": alone.p99_ms(), "singles_ms": singles.p99_ms(), "healthz_ms": health.p99_ms(),
            "singles": singles.count(), "batch_s": sorted(seconds)[1]}


def batch(body):
    """Sends one; how long it took."""
    started = time.monotonic()
    api = http.client.HTTPConnection("127.0.0.1", API, timeout=600)
    headers = {"Authorization": f"Bearer {SECRET}", "Content-Type": "application/x-ndjson"}
    api.request("POST", "/v1/push/batch", body, headers)
    answer = api.getresponse()
    found = answer.read()
    api.close()
    if answer.status != 200:
        raise SystemExit(f"a batch was answered {answer.status}: {found[:500]}")
    return time.monotonic() - started


def fan_out(given, binaries):
    """The same sessions get messages by their topic and messages to everybody."""
    flags = ["--topic", "news", "--phase", "hold:5s", "--phase", f"topic:{given.fan_outs}",
             "--phase", "hold:2s", "--phase", f"all:{given.fan_outs}"]
    with held(given, binaries, given.subscribers, given.gateways, "push", flags) as (holdfast, client):
        operators = [holdfast.operators(number) for number in range(holdfast.count)]
        asked = [Asked(lambda url=url: healthz(url, PATIENCE), 10, 4) for url in [*operators, holdfast.api]]
        with contextlib.ExitStack() as stack:
            for one in asked:
                stack.enter_context(one)
            client.wait()
        report = client.report()
    topic, everybody = report["to_topic"], report["broadcasts"]
    return {"topic_s": topic["median_seconds"], "broadcast_s": everybody["median_seconds"],
            "ratio": topic["median_seconds"] / everybody["median_seconds"],
            "fewest": min(topic["fewest_clients"], everybody["fewest_clients"]),
            "gateways_healthz_ms": max(one.p99_ms(5) for one in asked[:-1]),
            "healthz_ms": asked[-1].p99_ms(5)}


def silent_peer(given, binaries):
    """Newcomers while a pusher-api is linked that has stopped; from a second behind its stop on."""
    with tempfile.TemporaryDirectory() as directory, \
            Holdfast(binaries / "holdfast", directory) as holdfast:
        holdfast.await_ready()
        other = holdfast.start(
            binaries / "holdfast", "pusher-api", "--listen", f"127.0.0.1:{API + 1}",
            "--gateway", holdfast.all_operators,
            "--api-key-file", holdfast.secrets["api"], "--link-secret-file", holdfast.secrets["link"])
        holdfast.wait_for(lambda: sum(holdfast.metric("holdfast_links")) == 2, "two links")
        newcomer = iter(range(1 << 30))
        ask = lambda: join(CLIENTS, hs256(SECRET, f"n{next(newcomer)}"), PATIENCE).close()  # noqa: E731
        with Asked(ask, 50, 100) as alone:
            time.sleep(3)
        os.kill(other, signal.SIGSTOP)
        try:
            # Shorter than a link may be silent before it is given up.
            with Asked(ask, 50, 100) as beside:
                time.sleep(4)
        finally:
            os.kill(other, signal.SIGCONT)
    return {"alone_ms": alone.p99_ms(), "hello_ms": beside.p99_ms(1.1), "first_second_ms": beside.p99_ms(0)}


def backlog(given, binaries):
    """So many messages to everybody, asked for at once."""
    with held(given, binaries, given.sessions) as (holdfast, _):
        client, buffer = connect("canary", CLIENTS)
        arrived, answered = {}, {}
        listening = threading.Thread(target=listen, args=(client, buffer, arrived), daemon=True)
        listening.start()
        posting = [threading.Thread(target=post, args=(number, given.broadcasts, answered))
                   for number in range(50)]
        started = time.time()
        for thread in posting:
            thread.start()
        for thread in posting:
            thread.join()
        asked = time.time() - started
        accepted = [number for number, (status, _) in answered.items() if status == 202]
        holdfast.wait_for(lambda: len(arrived) >= len(accepted), "all broadcasts", 600)
        client.close()
    statuses = sorted({status for status, _ in answered.values()})
    late = max(arrived[number] - answered[number][1] for number in accepted)
    return {"accepted": len(accepted), "statuses": statuses, "asked_s": asked, "late_s": late}


def post(first, count, answered):
    """Every fiftieth of them."""
    api = http.client.HTTPConnection("127.0.0.1", API, timeout=600)
    headers = {"Authorization": f"Bearer {SECRET}", "Content-Type": "application/json"}
    for number in range(first, count, 50):
        data = {"t": number, "b": number, "p": "x" * 60}
        body = json.dumps({"to": {"all": True}, "data": data}, separators=(",", ":"))
        api.request("POST", "/v1/push", body, headers)
        answer = api.getresponse()
        answer.read()
        answered[number] = (answer.status, time.time())
    api.close()


def listen(client, buffer, arrived):
    """When each came to a session that reads at once."""
    with contextlib.suppress(OSError):
        while more := client.recv(65536):
            buffer.extend(more)
            for _, payload in frames(buffer):
                if found := BROADCAST.search(payload):
                    arrived[int(found[2])] = time.time()


PARTS = {"beside_batches": beside_batches, "fan_out": fan_out, "silent_peer": silent_peer,
         "backlog": backlog}
