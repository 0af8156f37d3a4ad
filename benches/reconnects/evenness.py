"""Whether moments are as even as they have to be: a chi-square whose expectation is derived."""

import random

# What a gateway tells a client to wait, in milliseconds: any of these, each as likely as any other.
SHORTEST, LONGEST = 500, 5000
BIN = 10


def expected(byes, bins):
    """How many come in each bin, in the mean: who heard a bye comes back at any moment of its 4.5 s."""
    counts = [0.0] * bins
    span = LONGEST - SHORTEST
    for bye in byes:
        first, last = bye + SHORTEST, bye + LONGEST
        for number in range(int(first // BIN), int(last // BIN) + 1):
            inside = min(last, (number + 1) * BIN) - max(first, number * BIN)
            counts[number] += max(0.0, inside) / span
    return counts


def statistic(moments, wanted):
    """Pearson's chi-square. A moment where none can be counts in the nearest bin where some can."""
    counts = [0] * len(wanted)
    possible = [number for number, mean in enumerate(wanted) if mean > 0]
    for moment in moments:
        counts[min(max(int(moment // BIN), possible[0]), possible[-1])] += 1
    return sum((counts[number] - wanted[number]) ** 2 / wanted[number] for number in possible)


def test(byes, moments, simulations=2000, seed=1):
    """The statistic, the number of bins, and how often chance alone makes one as large.

    The bins are too small for the table of the distribution, so that many drains are drawn whose clients come
    back exactly when they are told to.
    """
    wanted = expected(byes, int((max(byes) + LONGEST) // BIN) + 2)
    found = statistic(moments, wanted)
    draw = random.Random(seed)
    larger = 0
    for _ in range(simulations):
        drawn = [bye + draw.randrange(SHORTEST, LONGEST) for bye in byes]
        larger += statistic(drawn, wanted) >= found
    return found, sum(mean > 0 for mean in wanted), (larger + 1) / (simulations + 1)
