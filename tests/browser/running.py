"""Runs cases at a cluster, with the page of another origin."""

from playwright.sync_api import sync_playwright

from benches.measured.processes import Processes
from tests import browsers

from .lab import Origin


def run_at(cluster, wanted, given, origin=Origin):
    """Every one of them, in one browser, until one fails. `cluster` starts what they share."""
    with Processes() as servers, sync_playwright() as playwright:
        browser = browsers.launch(playwright, given)
        shared = {"place": cluster(servers, given.binary), "origin": origin(),
                  "servers": servers, "binary": given.binary}
        for case in wanted:
            print(case.__name__, flush=True)
            case(browser, **shared)
        servers.check()
    print(f"{len(wanted)} cases hold")
