"""How long to stay away: full jitter, so that those who failed together do not come back together."""

import random
from datetime import datetime, timezone
from email.utils import parsedate_to_datetime

# Seconds: of the first pause at most, and of any.
FIRST, MOST = 0.25, 30.0
# What the other side says is honoured up to here, in seconds.
MOST_TOLD = 3600.0


def full_jitter(failures: int, first: float = FIRST, most: float = MOST) -> float:
    """Seconds of a pause after so many failures in a row: anything up to a bound that doubles each time."""
    bound = min(most, first * 2 ** min(max(failures, 1) - 1, 20))
    return random.uniform(0, bound)


def retry_after(value: str | None) -> float | None:
    """Seconds that a `Retry-After` asks for, be it a number or a date (RFC 9110 section 10.2.3)."""
    if value is None:
        return None
    text = value.strip()
    if text.isascii() and text.isdigit():
        return min(float(text), MOST_TOLD)
    try:
        until = parsedate_to_datetime(text)
    except ValueError:
        return None
    if until.tzinfo is None:
        until = until.replace(tzinfo=timezone.utc)
    return min(max(0.0, (until - datetime.now(timezone.utc)).total_seconds()), MOST_TOLD)
