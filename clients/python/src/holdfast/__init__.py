"""Push to users by Holdfast, fire and forget, and listen as one of their devices.

A backend pushes with `Pusher`: `push` returns at once, a thread in the background sends. A device, a test or
a service that wants to hear is a `Session` of asyncio.
"""

from holdfast.endings import Ended
from holdfast.events import (
    Event,
    Failed,
    Gap,
    Hello,
    Left,
    Pushed,
    Recovered,
    Refreshed,
    Subscribed,
    Topic,
    Unsubscribed,
)
from holdfast.pusher import Pusher
from holdfast.pushes import Closed, Counts, GivenUp, HoldfastError, Push, QueueFull, Reason
from holdfast.session import Session

__all__ = [
    "Closed",
    "Counts",
    "Ended",
    "Event",
    "Failed",
    "Gap",
    "GivenUp",
    "Hello",
    "HoldfastError",
    "Left",
    "Push",
    "Pushed",
    "Pusher",
    "QueueFull",
    "Reason",
    "Recovered",
    "Refreshed",
    "Session",
    "Subscribed",
    "Topic",
    "Unsubscribed",
]
