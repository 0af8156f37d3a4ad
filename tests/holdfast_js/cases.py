"""What `holdfast.js` has to do in a browser, case by case. What is kept comes once after each of them."""

import os
import signal
import sys

from playwright.sync_api import expect

from tests import browsers
from tests.browser.lab import Cluster
from tests.browser.running import run_at
from tests.page.lab import Place

from .lab import PATIENCE, Origin, Tab, Way


class Kept(Cluster):
    """A cluster that keeps pushes."""

    def __init__(self, servers, binary):
        super().__init__(servers, binary, "--poll-grace", "2s", "--jwt-leeway", "1s", keeps=True)

    def keep(self, data, **to):
        """A push that is kept."""
        return self.ask("POST", "push", {"to": to, "data": data, "ttl": 600})

    def kill(self):
        """Ends the gateway without a word."""
        process = next(one for one in self.servers.started if one.pid == self.pids[0])
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        process.log.close()
        self.servers.started.remove(process)


def comes_once(tab, place, user, number):
    """Another push, behind those there were, and none twice."""
    place.keep(number, user=user)
    tab.hears(number + 1, type="push")
    assert tab.data() == list(range(number + 1)), tab.data()


def begin(tab, place, way, user, **options):
    """Connects, and hears a first kept push."""
    tab.opens(way.url, place.token(user, "--subscribe", "*"), **options)
    tab.hears(type="hello")
    comes_once(tab, place, user, 0)


def survives_a_cut(tab, place, way, user):
    """The second push is kept meanwhile."""
    way.go()
    tab.hears(state="waiting")
    place.keep(1, user=user)
    way.come()
    tab.hears(2, type="push")
    comes_once(tab, place, user, 2)


def a_cut_is_survived_on_each_transport(browser, place, origin, **_):
    """With what was pushed meanwhile."""
    for transport in ["websocket", "sse", "poll"]:
        user = f"cut {transport}"
        with Way(place.clients) as way, Tab(browser, origin) as tab:
            begin(tab, place, way, user, transports=[transport])
            survives_a_cut(tab, place, way, user)
            assert all(hello["recovered"] for hello in tab.heard(type="hello"))
            assert not any("eyJ" in head.splitlines()[0] for head in way.heads)


def a_restart_and_a_drain_are_survived(browser, servers, binary, origin, **_):
    """Who is told when to come back does then."""
    place = Kept(servers, binary)
    with Way(place.clients) as way, Tab(browser, origin) as tab:
        begin(tab, place, way, "u")
        place.kill()
        tab.hears(state="waiting")
        place.keep(1, user="u")
        place.pids[0] = place.open_gateway()
        tab.hears(2, type="push")
        comes_once(tab, place, "u", 2)
        servers.stop(place.pids[0])
        bye = tab.hears(type="bye", reason="draining")
        assert tab.hears(state="waiting", reason="draining")["pause"] == bye["retry_ms"]
        place.keep(3, user="u")
        place.pids[0] = place.open_gateway()
        tab.hears(4, type="push")
        comes_once(tab, place, "u", 4)


def tokens_are_refreshed_and_replaced(browser, place, origin, **_):
    """Before one expires, and where that came too late."""
    with Way(place.clients) as way, Tab(browser, origin) as tab:
        short, long = (place.token("fresh", "--ttl", ttl) for ttl in ("8s", "1h"))
        tab.opens(way.url, short, long)
        tab.hears(type="refreshed")
        comes_once(tab, place, "fresh", 0)
        assert len(tab.heard(type="hello")) == 1
    with Way(place.clients) as way, Tab(browser, origin) as tab:
        short, long = (place.token("late", "--ttl", ttl) for ttl in ("3s", "1h"))
        tab.opens(way.url, short, long)
        comes_once(tab, place, "late", 0)
        tab.hears(type="bye", reason="token_expired")
        place.keep(1, user="late")
        tab.hears(2, type="push")
        comes_once(tab, place, "late", 2)


def what_is_blocked_is_gone_around(browser, place, origin, **_):
    """A proxy that refuses WebSockets, and one that holds back streams, too."""
    for user, holds, transport in [("around", ["-"], "sse"), ("about", ["POST /v1/sse"], "poll")]:
        with Way(place.clients, refuses=["GET /v1/ws"], holds=holds) as way, Tab(browser, origin) as tab:
            tab.opens(way.url, place.token(user, "--subscribe", "*"))
            assert tab.hears(state="open")["transport"] == transport
            comes_once(tab, place, user, 0)
            tab.does("session.subscribe('news')")
            tab.hears(type="subscribed")
            survives_a_cut(tab, place, way, user)


def who_is_not_to_come_back_does_not(browser, place, origin, **_):
    """A backend's will, a newer session of the device, and a token that is nobody's."""
    with Way(place.clients) as way, Tab(browser, origin) as tab:
        begin(tab, place, way, "gone")
        place.ask("DELETE", "users/gone/sessions")
        assert tab.hears(state="closed")["reason"] == "disconnected"
    with Way(place.clients) as way, Tab(browser, origin) as tab, Tab(browser, origin) as newer:
        begin(tab, place, way, "twice", device="d")
        newer.opens(way.url, place.token("twice"), device="d")
        assert tab.hears(state="closed")["reason"] == "replaced"
        newer.hears(type="hello")
    with Way(place.clients) as way, Tab(browser, origin) as tab:
        tab.opens(way.url, place.token("x", secret="another secret, 32 bytes or more of it"))
        assert tab.hears(state="closed")["reason"] == "unauthorized"
        assert len(way.requests("GET /v1/ws")) == 2, "a new token was asked for once"


def a_page_that_is_shown_again_looks_whether_anybody_is_there(browser, place, origin, **_):
    """Its connection has died meanwhile, without a word."""
    with Way(place.clients) as way, Tab(browser, origin, clock=True) as tab:
        begin(tab, place, way, "hidden")
        tab.does("be_hidden(true)")
        way.is_mute = True
        place.keep(1, user="hidden")
        tab.does("be_hidden(false)")
        # The time for an answer passes.
        tab.page.clock.run_for(15_000)
        tab.hears(state="waiting")
        way.is_mute = False
        tab.page.clock.run_for(30_000)
        tab.hears(2, type="push")
        comes_once(tab, place, "hidden", 2)


def a_browser_that_is_online_again_comes_back_soon(browser, place, origin, **_):
    """However long it would have waited by itself."""
    with Way(place.clients) as way, Tab(browser, origin) as tab:
        begin(tab, place, way, "offline")
        tab.context.set_offline(True)
        way.go()
        tab.hears(state="waiting")
        place.keep(1, user="offline")
        way.come()
        tab.context.set_offline(False)
        tab.hears(2, type="push")
        comes_once(tab, place, "offline", 2)


def tabs_do_not_disturb_each_other(browser, place, origin, **_):
    """They store their cursors at one place; each has each message, and who comes later has none again."""
    context = browser.new_context()
    with Way(place.clients) as way, Tab(browser, origin, context) as one, \
            Tab(browser, origin, context) as two:
        token = place.token("tabs")
        for tab in (one, two):
            tab.opens(way.url, token, isStored=True)
            tab.hears(type="hello")
        place.keep(0, user="tabs")
        for tab in (one, two):
            tab.hears(type="push")
        way.go()
        for tab in (one, two):
            tab.hears(state="waiting")
        place.keep(1, user="tabs")
        way.come()
        for tab in (one, two):
            tab.hears(2, type="push")
        place.keep(2, user="tabs")
        for tab in (one, two):
            tab.hears(3, type="push")
            assert tab.data() == [0, 1, 2], tab.data()
        with Tab(browser, origin, context) as later:
            later.opens(way.url, token, isStored=True)
            assert later.hears(type="hello")["kept"] == 0
    context.close()


def the_badge_counts(browser, servers, binary, origin, **_):
    """The page of examples/, with `holdfast up`."""
    place = Place(servers, binary).development()
    clients, _tcp, _operators, api = place.addresses
    context = browser.new_context()
    page = context.new_page()
    address = f"{origin.name}/badge?api=http://{api}&gateway=http://{clients}"
    page.goto(address)
    expect(page.locator("#state")).to_have_text("open")
    for number in range(1, 3):
        place.ask("POST", "push", {"to": {"user": "demo"}, "data": number, "ttl": 600})
        expect(page.locator("#badge")).to_have_text(str(number))
    page.goto(address)
    expect(page.locator("#badge")).to_have_text("2")
    page.get_by_text("Mark all as read").click()
    kept = lambda: place.ask("GET", "users/demo")["kept"]["count"]  # noqa: E731
    servers.wait_for(lambda: kept() == 0, "nothing is kept", every=0.05)
    page.goto(address)
    expect(page.locator("#state")).to_have_text("open")
    expect(page.locator("#badge")).to_have_text("")
    context.close()


def run(given):
    """Every case that was asked for."""
    expect.set_options(timeout=PATIENCE)
    run_at(Kept, browsers.cases(sys.modules[__name__], given.names), given, Origin)
