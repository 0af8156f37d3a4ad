"""From the figures of several rounds to one table."""

from dataclasses import dataclass

from benches.measured.numbers import ends, middle, show, spread


@dataclass
class Row:
    """One line of the table. A bar is for the value, or for the ratio to the floor in the same
    round where `ratio` says so."""

    name: str
    key: str
    ratio: bool = False
    at_least: float | None = None
    at_most: float | None = None

    def bar(self):
        """The bar as text."""
        if self.at_least is not None:
            return f"≥ {show(self.at_least)}"
        return "" if self.at_most is None else f"≤ {show(self.at_most)}"

    def is_met(self, value):
        """Whether a value reaches the bar; nothing where there is none."""
        if value is None or not self.bar():
            return None
        if self.at_least is not None:
            return value >= self.at_least
        return value <= self.at_most


ROWS = [
    Row("sessions held", "held"),
    Row("sessions lost, over all runs", "lost", at_most=0),
    Row("gateways: RSS per session, bytes", "gateway_bytes", at_most=900),
    Row("the same after the hold, bytes", "gateway_bytes_after_hold"),
    Row("gateways: RSS per session without pages of the program, bytes", "gateway_own_bytes"),
    Row("pusher-api: RSS per session, bytes", "pusher_api_bytes"),
    Row("kernel slabs per session, both ends, bytes", "slab_bytes"),
    Row("server side: RSS + half the slabs, bytes", "system_bytes", ratio=True, at_most=1.3),
    Row("load client: RSS per session, bytes", "client_bytes", at_most=300),
    Row("longest stall of a worker, ms", "stall_ms", at_most=50),
    Row("idle CPU of the gateways, cores", "idle_cores", at_most=0.4),
    Row("idle CPU, µs per second and session", "idle_us_per_s"),
    Row("ramp, seconds", "ramp_s", at_most=90),
    Row("handshakes per s", "handshakes_per_s", ratio=True, at_least=0.75),
    Row("random pushes per s, batch", "batch_per_s", ratio=True, at_least=0.75),
    Row("random pushes per s, single", "single_per_s", ratio=True),
    Row("latency at {rate} pushes/s, p50, ms", "latency_p50_ms"),
    Row("latency at {rate} pushes/s, p99, ms", "latency_p99_ms", at_most=20),
    Row("share within 200 ms at {rate} pushes/s", "within_200_ms", at_least=1),
    Row("broadcast, first to last client, s", "broadcast_s", ratio=True, at_most=1.3),
    Row("unicast p99 during broadcasts, ms", "unicast_p99_ms", at_most=200),
    Row("unicast pushes measured for that", "unicast_samples"),
    Row("a third dropped at once, closed by the clients after, s", "storm_closed_s"),
    Row("gone after, s", "storm_gone_s", at_most=5),
    Row("unicast p99 while they drop, ms", "storm_unicast_p99_ms", at_most=200),
    Row("unicast pushes measured for that", "storm_unicast_samples"),
    Row("pushes to the others while they drop, p99, ms", "storm_drop_p99_ms"),
    Row("gateways' memory 30 s later / before they came", "storm_memory_ratio", at_most=1.1),
    Row("the dropped are back at once, all in after, s", "storm_return_s", at_most=60),
    Row("pushes to the others while they return, p99, ms", "storm_reopen_p99_ms"),
    Row("probes within 200 ms, the worst kind's share", "probe_within_200_ms", at_least=1),
    Row("probes, the worst kind's p99, ms", "probe_p99_ms"),
    Row("pushes missing", "missing", at_most=0),
    Row("pushes refused", "refused"),
]

# What must be none is added up over a round's runs.
ADDED = {"lost", "missing", "refused"}


def add(figures, more):
    """Adds a run's figures to its round's."""
    for key, value in more.items():
        figures[key] = figures.get(key, 0) + value if key in ADDED else value


def summary(rounds, **words):
    """Each row's median and range: of the value, of the floor's, and of the ratios."""
    found = []
    for row in ROWS:
        pairs = [(it["holdfast"].get(row.key), it["floor"].get(row.key)) for it in rounds]
        ratios = [mine / floor for mine, floor in pairs if mine is not None and floor]
        values = spread([mine for mine, _ in pairs])
        if values:
            ratio = spread(ratios) if row.ratio else None
            judged = ratio if row.ratio else values
            # What is wrong once is wrong.
            judged = judged and judged["max" if row.key in ADDED else "median"]
            found.append({
                "key": row.key, "name": row.name.format(**words), "value": values,
                "floor": spread([floor for _, floor in pairs]), "ratio": ratio,
                "bar": ("ratio " if row.ratio and row.bar() else "") + row.bar(),
                "met": row.is_met(judged),
            })
    return found


def markdown(found):
    """The table for people."""
    lines = [
        "| Figure | Holdfast | Range | Floor | Ratio | Range | Bar | |",
        "|---|--:|--:|--:|--:|--:|---|---|",
    ]
    met = {True: "met", False: "**not met**", None: ""}
    for row in found:
        cells = [
            row["name"], middle(row["value"]), ends(row["value"]),
            middle(row["floor"]), middle(row["ratio"]), ends(row["ratio"]), row["bar"],
            met[row["met"]],
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"
