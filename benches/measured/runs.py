"""What the runs have in common, whoever the server is: how long they wait, and what a storm is."""

import sys
import time

RAMP_SECONDS = 600
# Some have failed if their number stays the same for so long.
STUCK_SECONDS = 40
# Between two kinds of pushes, and before a storm.
PAUSE_SECONDS = 10


def await_sessions(servers, count, run=None):
    """Waits until the servers hold so many sessions, or none; or until there are no more coming."""
    seen, since = -1, time.monotonic()

    def reached():
        nonlocal seen, since
        before, seen = seen, servers.sessions()
        if seen != before:
            since = time.monotonic()
        stuck = count and seen == before and time.monotonic() - since > STUCK_SECONDS
        return stuck or (seen >= count if count else seen == 0)

    # Asking many servers takes CPU from those who are ramping up.
    every = 0.2 + servers.count / 25
    servers.wait_for(reached, f"{count} sessions", RAMP_SECONDS, run, every)
    if seen < count:
        print(f"warning: {seen:.0f} of {count} sessions, and no more come", file=sys.stderr)


def dropped(given):
    """How many sessions a storm drops: 340,000 of a million."""
    return given.sessions * 34 // 100


def storm_flags(given):
    """What a storm is, whoever the server is."""
    return ["--drop", dropped(given), "--hold", f"{PAUSE_SECONDS}s", "--settle", "30s"]


def watching_flags(holdfast):
    """What a load client needs to push and to look at what the gateways say."""
    return ["--operators", holdfast.all_operators, *holdfast.push_flags()]
