"""A device's subscription to a topic: a log of its own, judged as a device that gives its cursor is."""

from tests.faults.ledger import Visit, now

# Cursors of one log begin alike for so many characters: `recovered` does not name its log, and clients must
# not look at that.
ALIKE = 8


def name_of(topic):
    """What the judge calls those that a topic's log is for."""
    return f"topic {topic}"


class Subscription:
    """One device's place in a topic's log."""

    gives = True

    def __init__(self, device, topic):
        self.user, self.name = name_of(topic), f"{device.user}/{device.name}"
        self.transport = device.transport
        self.topic, self.cursor = topic, None
        self.visits, self.before_last, self.visit = [], None, None

    def begin(self, place):
        """What to say in a new session to go on where the last one ended."""
        self.visit = Visit(place, now(), self.cursor)
        self.visits.append(self.visit)
        return {"type": "subscribe", "topics": [{"topic": self.topic, "after": self.cursor or "start"}]}

    def end(self, why):
        """The session is over."""
        if self.visit is not None and self.visit.ended is None:
            self.visit.ended, self.visit.why = now(), why

    def is_greeted(self):
        """Whether it is in force and nothing stands between it and what is kept."""
        visit = self.visit
        return bool(visit and visit.greeted and not visit.ended and len(visit.recovered) >= visit.owed())

    def takes(self, frame):
        """Takes in a frame that is about its topic; whether it was."""
        kind, at = frame["type"], now()
        if kind == "subscribed":
            frame = frame["topics"][0]
            self.visit.greeted, self.visit.hello = at, {"recovered": True} | frame
        elif kind == "recovered" and self.is_of_its_log(frame["cursor"]):
            self.visit.recovered.append(at)
        elif frame.get("topic") != self.topic:
            return False
        elif kind == "push":
            self.visit.heard.append((at, tuple(frame["data"])))
        elif kind == "gap":
            self.visit.gaps.append((at, frame["reason"]))
        self.cursor = frame.get("cursor", self.cursor)
        return True

    def is_of_its_log(self, cursor):
        """Whether a cursor is one of the topic's."""
        return self.cursor is not None and self.cursor[:ALIKE] == cursor[:ALIKE]
