"""The attacks: which peers, how many, on which port, and what else goes on."""

from dataclasses import dataclass

from . import peers


@dataclass
class Attack:
    """A crowd of one kind at one port."""

    group: str
    kind: str
    port: str
    count: int
    """Whether pushes are sent to the peers, for those that do not read them."""
    pushed: bool = False

    @property
    def name(self):
        """As it stands in the table."""
        return f"{self.kind}, {self.port}"


def attacks():
    """All of them, in the order of the table."""
    crowd = 9000
    found = [
        Attack("without_credentials", kind, port, 2000 if kind in HEAVY else crowd)
        for port in ("clients", "operators", "backends")
        for kind in peers.without_credentials("")
        if not (port != "clients" and kind in UPGRADES)
    ]
    found += [Attack("on_tcp", kind, "tcp", crowd) for kind in peers.on_tcp("")]
    found += [Attack("on_backends", kind, "backends", 2000) for kind in peers.on_backends("")]
    found += [Attack("with_key", kind, "backends", 4000) for kind in peers.with_key("")]
    found += [
        Attack("with_sessions", kind, "clients", count, kind == "slow readers")
        for kind, count in (("pings", 16), ("empty fragments", 16), ("half frames", 3000),
                            ("slow readers", 800), ("long topics", 3000))
    ]
    return found


# There are none of these where clients have no port.
UPGRADES = ("refused upgrade", "nobody's WebSocket", "forged token")
# These send as fast as they can: more of them would only measure the client.
HEAVY = ("endless head", "unread pipeline")
