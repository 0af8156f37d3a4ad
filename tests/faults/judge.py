"""Holds what happened against what is promised (docs of kept messages): each broken promise, by user."""

from collections import namedtuple
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise

from tests.faults.ledger import now

Broken = namedtuple("Broken", "what user text")

# `--ack-delay`, and what the way to the store may take on a busy machine.
ACKNOWLEDGED_SECONDS = 1 + 1.5
# In which a message reaches every session that is there, from when there is a way.
REACHED_SECONDS = 5
# For so long after a process was away, a gateway may have found no store to ask.
AWAY_SECONDS = 5


class Judge:
    """Looks through the ledger, a user at a time."""

    def __init__(self, ledger, allowance):
        self.ledger, self.allowance = ledger, allowance
        self.broken = [Broken("wrong", *one) for one in ledger.wrong]
        self.replays = self.again = self.delivered = self.held = self.longest = 0

    def judge(self):
        """All promises; the broken ones."""
        promised = {}
        for push in self.ledger.pushes.values():
            for user in push.users:
                promised.setdefault(user, []).append(push)
        for user, devices in self.ledger.of_users().items():
            pushes = promised.get(user, [])
            for device in devices:
                self.nothing_is_missing(device, pushes)
                self.nothing_comes_twice(device)
                self.nothing_acknowledged_comes_again(device)
                self.nothing_is_left_out(device, pushes)
                self.gaps_are_true(device)
                self.it_came_in_time(device)
            self.there_is_one_order(user, devices, pushes)
        self.commits_were_told()
        return self.broken

    def breaks(self, what, device, text):
        """Notes a broken promise."""
        self.broken.append(Broken(what, device.user, f"{device.name} ({device.transport}): {text}"))

    def nothing_is_missing(self, device, pushes):
        """What was promised has come before everybody came once more, and nothing that was for others."""
        heard = {key for visit in device.visits[:device.before_last] for _, key in visit.heard}
        self.delivered += len(heard)
        for push in pushes:
            if push.promised is not None and push.key not in heard:
                self.breaks("missing", device, f"{push.key}, promised, never came")
        for key in heard - {push.key for push in pushes}:
            self.breaks("foreign", device, f"{key} was never pushed to it")

    def nothing_comes_twice(self, device):
        """Not in one session, and to who gives its newest cursor never again."""
        before = set()
        for number, visit in enumerate(device.visits):
            keys = [key for _, key in visit.heard]
            if len(set(keys)) < len(keys):
                twice = next(key for index, key in enumerate(keys) if key in keys[:index])
                self.breaks("twice", device, f"{twice} twice in session {number}")
            again = before.intersection(keys)
            self.replays += len(again)
            if visit.given is not None and again:
                self.again += len(again)
                self.breaks("twice", device, f"{min(again)} again in session {number}, which gave cursors")
            before.update(keys)

    def nothing_acknowledged_comes_again(self, device):
        """To who gives no cursor: once the store has had the time and the calm to take it in."""
        held = set()
        for number, visit in enumerate(device.visits):
            again = held.intersection(key for _, key in visit.heard)
            if again:
                self.breaks("acknowledged", device, f"{min(again)} came again in session {number}")
            for at, count, was_said in visit.acknowledged:
                until = at + ACKNOWLEDGED_SECONDS
                if was_said and visit.was_there(at, until) and not self.ledger.disturbed(at, until):
                    held.update(key for _, key in visit.heard[:count])
                    self.held += 1

    def nothing_is_left_out(self, device, pushes):
        """Who gives no cursor gets all that it has not acknowledged, in each session that lasts."""
        if device.gives:
            return
        covered = set()
        for number, visit in enumerate(device.visits):
            until = visit.ended or now()
            since = max(visit.greeted or until, self.ledger.way_since(until))
            if until - since > REACHED_SECONDS + self.allowance:
                keys = covered.union(key for _, key in visit.heard)
                promised = (it.key for it in pushes if it.promised and it.promised < since)
                lost = [key for key in promised if key not in keys]
                if lost:
                    text = f"{lost[:5]} of {len(lost)} did not come in session {number}"
                    self.breaks("left out", device, text)
            for _, count, _ in visit.acknowledged:
                covered.update(key for _, key in visit.heard[:count])

    def gaps_are_true(self, device):
        """The only one that may be is that the store was away, and it is closed in the same session."""
        for number, visit in enumerate(device.visits):
            for at, reason in visit.gaps:
                if reason != "store_away":
                    self.breaks("gap", device, f"{reason} in session {number}")
                elif not self.ledger.disturbed(at - AWAY_SECONDS, at):
                    self.breaks("gap", device, f"store_away in session {number} though all were there")
            closed = len(visit.recovered)
            if closed > visit.owed() or (closed < visit.owed() and visit.ended is None):
                self.breaks("gap", device, f"{visit.owed()} of store_away, {closed} of recovered in {number}")
            # A gap comes right behind hello, but this program may stand still in between.
            least = 1 + 2 * self.ledger.lag
            lived_on = visit.greeted and (visit.ended is None or visit.ended - visit.greeted > least)
            # A poll that found no session has looked for it for a while: when that went is not known.
            lived_on = lived_on and not visit.why.endswith(" 410")
            if lived_on and not visit.hello["recovered"] and not visit.gaps:
                self.breaks("untold", device, f"no gap in session {number}, {self.span(visit)}")

    def span(self, visit):
        """When a session was there, and what it heard."""
        until = f"{visit.ended - self.ledger.began:.3f}" if visit.ended else "the end"
        return f"{visit.greeted - self.ledger.began:.3f} to {until}, {len(visit.heard)} heard, {visit.why}"

    def it_came_in_time(self, device):
        """To a session that is there, within so long of there being a way."""
        for number, visit in enumerate(device.visits):
            for at, key in visit.heard:
                push = self.ledger.pushes.get(key)
                if push is None or push.promised is None or visit.greeted is None:
                    continue
                since = max(push.promised, visit.greeted, *visit.recovered[:1], self.ledger.way_since(at))
                self.longest = max(self.longest, at - since)
                if at - since > REACHED_SECONDS + self.allowance:
                    self.breaks("late", device, f"{key} took {at - since:.1f} s in session {number}")

    def there_is_one_order(self, user, devices, pushes):
        """What every session has heard, and what each writer has sent, fits into one order."""
        graph = TopologicalSorter()
        for device in devices:
            for visit in device.visits:
                for (_, first), (_, second) in pairwise(visit.heard):
                    if first != second:
                        graph.add(second, first)
        by_writer = {}
        for push in sorted(pushes, key=lambda push: push.key):
            previous = by_writer.get(push.key[0])
            by_writer[push.key[0]] = push
            if previous is not None and is_ordered(previous, push):
                graph.add(push.key, previous.key)
        try:
            graph.prepare()
        except CycleError as error:
            self.broken.append(Broken("order", user, f"no order is right for all: {error.args[1][:6]}"))

    def commits_were_told(self):
        """What was committed and not forwarded has come, in time."""
        for wait in self.ledger.waits:
            if wait.seconds is None or wait.seconds > REACHED_SECONDS + self.allowance:
                self.broken.append(Broken("commit", wait.user, f"{wait}"))


def is_ordered(first, second):
    """Whether a writer's two pushes to one user have an order by its own doing."""
    if first.promised is None or second.promised is None:
        return False
    one_batch = first.sent == second.sent and first.attempts == second.attempts
    return one_batch or first.promised <= second.sent
