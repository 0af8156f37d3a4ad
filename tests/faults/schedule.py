"""Who is killed and when: decided by the seed before the run begins."""

import random
from dataclasses import dataclass

PAUSE, DOWN = (0.3, 2.5), (0.05, 2.0)
EVERY_TENTH = 10


@dataclass(frozen=True, slots=True)
class Planned:
    """A kill of the schedule."""

    number: int
    kind: str
    victim: int
    pause: float
    down: float


def schedule(seed, count):
    """All kills; every tenth between commit and forward, and every second of those takes both pusher-apis."""
    seeded = random.Random(f"{seed}-kills")
    for number in range(1, count + 1):
        kind = "any"
        if number % EVERY_TENTH == 0 or number == count < EVERY_TENTH:
            kind = "commit" if number // EVERY_TENTH % 2 == 0 else "commit, both"
        victim = seeded.randrange(2 if kind != "any" else 4)
        yield Planned(number, kind, victim, seeded.uniform(*PAUSE), seeded.uniform(*DOWN))
