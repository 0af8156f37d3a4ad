"""Who is killed and when: decided by the seed before the run begins."""

import random
from dataclasses import dataclass

PAUSE, DOWN = (0.3, 2.5), (0.05, 2.0)
EVERY_TENTH = 10
# So much longer nothing happens once in ten kills: acknowledgements that were taken in then have to hold.
CALM = 4.0
# After so many kills one is told to stop, as when a newer build is put in its place.
EVERY_EIGHTH = 8


@dataclass(frozen=True, slots=True)
class Planned:
    """A kill of the schedule."""

    number: int
    kind: str
    victim: int
    pause: float
    down: float


def schedule(seed, count):
    """All kills, and some stops; every tenth between commit and forward, of both pusher-apis in turns."""
    seeded = random.Random(f"{seed}-kills")
    for number in range(1, count + 1):
        kind = "any"
        if number % EVERY_TENTH == 0 or number == count < EVERY_TENTH:
            kind = "commit" if number // EVERY_TENTH % 2 == 0 else "commit, both"
        victim = seeded.randrange(2 if kind != "any" else 4)
        calm = CALM if number % EVERY_TENTH == 1 else 0.0
        yield Planned(number, kind, victim, calm + seeded.uniform(*PAUSE), seeded.uniform(*DOWN))
        if number % EVERY_EIGHTH == 0:
            yield Planned(number, "stop", seeded.randrange(4), seeded.uniform(*PAUSE), 0.0)
