"""From the guest's files to the figures people read."""

import json

from benches.measured.snapshot import Snapshot, difference

MOMENTS = ["before", "ramped", "pushed", "held", "last", "leaving", "emptied"]
MIB = 1 << 20
# What the kernel does when many sockets lose their process at once (netstat, snmp_counter.rst).
KERNELS_PART = {"TCPAbortOnClose": "reset, closed with data unread",
                "TCPAbortOnMemory": "reset, too many without a process",
                "TCPAbortOnTimeout": "given up, their last words unanswered"}


def number(file):
    """What a file of one number says, if the guest came that far."""
    try:
        return float(file.read_text().split()[0])
    except (OSError, ValueError, IndexError):
        return None


def said(pattern, *values, **named):
    """The figure in words; None if any part of it is missing."""
    return None if None in (*values, *named.values()) else pattern.format(*values, **named)


def report(file):
    """The load client's report of a scenario; nothing if the guest did not come that far."""
    return json.loads(file.read_text()) if file.exists() else {}


class Journey:
    """What came of one run."""

    def __init__(self, folder):
        self.folder = folder
        self.at = {name: Snapshot(folder / name) for name in MOMENTS}
        self.report, self.storm = report(folder / "push.json"), report(folder / "storm.json")
        self.sessions = self.report.get("sessions") or {}
        # Where it ended early, the last look is the one to divide by what was held then.
        whole = self.at["held"].exists
        self.full = self.at["held" if whole else "last"]
        self.count = self.full.metric("holdfast_sessions")

    def seconds(self, name):
        """How long a step of the guest's own took."""
        return number(self.folder / f"{name}.seconds")

    def failures(self, kind):
        """Their number, and what they were."""
        rows = self.report.get(kind)
        if rows is None:
            return None
        what = ", ".join(f"{row['count']} {row['what']}" for row in rows)
        return f"{sum(row['count'] for row in rows)}" + (f" ({what})" if what else "")

    def after(self):
        """The look when all had left, or when the wait for that was over."""
        return self.at["emptied" if self.at["emptied"].exists else "leaving"]

    def looks(self):
        """How often the metrics were looked at while all left, how often in vain, and the longest
        wait for an answer in seconds."""
        file = self.folder / "leaving.progress"
        rows = [line.split() for line in file.read_text().splitlines()] if file.exists() else []
        if not rows:
            return None, None, None
        answered = [float(row[4]) for row in rows if row[2] != "unknown"]
        return len(rows), len(rows) - len(answered), max(answered, default=None)

    def each(self, grown):
        """Bytes of one session, from what something grew by."""
        return None if grown is None or not self.count else grown / self.count

    def grown(self, process):
        """Bytes that a process has gained since before the first session."""
        return difference(self.full.resident(process), self.at["before"].resident(process))

    def slabs(self):
        """Bytes that the kernel's slab caches have gained since then."""
        return difference(self.full.slab(), self.at["before"].slab())

    def cores(self):
        """Processors that the gateway kept busy while nothing but pings happened."""
        start, end = self.at["pushed"], self.at["held"]
        period = difference(end.uptime(), start.uptime())
        used = difference(end.cpu_seconds("gateway"), start.cpu_seconds("gateway"))
        return used / period if used is not None and period else None

    def is_complete(self):
        """The guest walked it to the end, and every session was held."""
        asked, held = self.sessions.get("asked"), self.sessions.get("held_to_end")
        return number(self.folder / "verdict") == 0 and asked is not None and asked == held


def rows(journey):
    """Name and figure, in the order people ask for them."""
    sessions = journey.sessions
    yield from session_rows(journey, sessions)
    yield from memory_rows(journey)
    yield from message_rows(journey, journey.report.get("pushes") or {},
                            journey.report.get("received") or {})
    yield from leaving_rows(journey)
    if journey.storm:
        yield from storm_rows(journey.storm, (journey.storm.get("storms") or [{}])[0])


def session_rows(journey, sessions):
    """How they were opened, and what became of them."""
    yield "sessions held to the end", said("{} of {}", sessions.get("held_to_end"), sessions.get("asked"))
    yield "failed to open", journey.failures("failures")
    yield "lost", journey.failures("losses")
    yield "ramp", said("{:.0f} s, {:.0f} a second", sessions.get("ramp_seconds"), sessions.get("per_second"))
    yield "gateway's processors while only held", said("{:.2f}", journey.cores())
    stall = journey.full.metric("holdfast_worker_longest_stall_seconds", max)
    yield "longest stall of a worker", said("{:.3f} s", stall)


def memory_rows(journey):
    """What one session takes, and of whom."""
    gateway, slabs = journey.each(journey.grown("gateway")), journey.each(journey.slabs())
    server = None if None in (gateway, slabs) else gateway + slabs / 2
    client = journey.each(journey.full.resident("stress"))
    yield "a session's bytes: gateway (RSS)", said("{:.0f}", gateway)
    yield "  kernel's slabs, both ends together", said("{:.0f}", slabs)
    yield "  server side (gateway, half the slabs)", said("{:.0f}", server)
    yield "  pusher-api (RSS)", said("{:.0f}", journey.each(journey.grown("pusher-api")))
    yield "  load client (its whole RSS)", said("{:.0f}", client)


def message_rows(journey, sent, received):
    """Pushes to single users, and the broadcast."""
    latency = received.get("latency") or {}
    yield "pushes to random users accepted", said("{}", sent.get("accepted"))
    yield "their latency at the client", said(
        "p50 {} ms, p99 {} ms, most {} ms", *map(latency.get, ("p50_ms", "p99_ms", "max_ms")))
    yield "messages received, the broadcast's too", said("{}", received.get("messages"))
    yield "broadcast: written, received by all after", said(
        "{:.1f} s, {:.1f} s", journey.seconds("written"), journey.seconds("received"))


def leaving_rows(journey):
    """How long it took until all were gone, whether one could look meanwhile, and the kernel's part."""
    yield "all leave at once: registry empty after", said("{:.1f} s", journey.seconds("leaving"))
    looks, unanswered, slowest = journey.looks()
    answered = said("{}, {} without an answer, slowest {} s", looks, unanswered, slowest)
    yield "  looks at /metrics meanwhile", answered
    before, after = journey.at["last"], journey.after()
    for name, what in KERNELS_PART.items():
        yield f"  {what}", said("{:,}", difference(after.tcp_counter(name), before.tcp_counter(name)))
    drops = difference(after.backlog_drops(), before.backlog_drops())
    yield "  packets dropped, their queue full", said("{:,}", drops)
    emptied = journey.at["emptied"].resident("gateway")
    yield "gateway's memory 30 s later", said("{:.0f} MiB", emptied and emptied / MIB)


def storm_rows(report, storm):
    """How those who left came back, and what the others noticed."""
    sessions, phases = report["sessions"], report.get("phases") or {}
    p99 = [(phases.get(name, {}).get("latency") or {}).get("p99_ms") for name in ("steady", "drop", "reopen")]
    yield "storm: sessions held to the end", said("{held_to_end} of {asked}", **sessions)
    yield "storm: dropped", said("{}", storm.get("drop"))
    yield "  gone from the gateway after", said("{:.1f} s", storm.get("gone_seconds"))
    yield "  all back after", said("{:.1f} s", storm.get("reopen_seconds"))
    yield "  gateway's memory 30 s after, to before", said("{:.2f}", storm.get("gateway_memory_ratio"))
    yield "  the others' p99: before, drop, return", said("{} ms, {} ms, {} ms", *p99)


def show(folder, title, work):
    """Prints the table; whether all went well."""
    journey = Journey(folder)
    print(f"\n{title}")
    for name, figure in rows(journey):
        print(f"  {name:<42} {'-' if figure is None else figure}")
    print(f"What the guest sent, reports with plots too: {folder}\n"
          f"What it said: {work / 'console.log'}")
    return journey.is_complete()
