"""What the transports have to do for pages of other origins, case by case."""

from playwright.sync_api import sync_playwright

from benches.measured.processes import Processes
from tests import browsers

from . import event_source, fetching, polls, posting, proxied, web_sockets
from .lab import Cluster, Origin

ALL = [event_source, fetching, posting, web_sockets, polls, proxied]


def run(given):
    """Every case that was asked for."""
    wanted = [case for module in ALL for case in browsers.cases(module, given.names)]
    with Processes() as servers, sync_playwright() as playwright:
        browser = browsers.launch(playwright, given)
        shared = {"place": Cluster(servers, given.binary), "origin": Origin(),
                  "servers": servers, "binary": given.binary}
        for case in wanted:
            print(case.__name__, flush=True)
            case(browser, **shared)
        servers.check()
    print(f"{len(wanted)} cases hold")
