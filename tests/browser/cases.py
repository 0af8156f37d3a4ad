"""What the transports have to do for pages of other origins, case by case."""

from tests import browsers

from . import event_source, fetching, polls, posting, proxied, web_sockets
from .lab import Cluster
from .running import run_at

ALL = [event_source, fetching, posting, web_sockets, polls, proxied]


def run(given):
    """Every case that was asked for."""
    run_at(Cluster, [case for module in ALL for case in browsers.cases(module, given.names)], given)
