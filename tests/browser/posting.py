"""Frames that pages post, because their transport has no way up."""

import json

from .lab import Cluster, Tab, bearer, frames_of
from .relay import Relay


def frames_are_posted_by_fetch(browser, place, origin, **_):
    """As text they need not be asked about first; what is refused can be read."""
    token = place.token("u10", "--subscribe", "news*")
    with Relay(place.clients) as relay, Tab(browser, origin.name) as tab:
        tab.does("follow", f"http://{place.clients}/v1/sse?token={token}")
        frames = frames_of(relay.address, tab.hears(by="holdfast.hello"))
        subscribe = json.dumps({"type": "subscribe", "topics": ["news-10"]})
        both = subscribe + "\n" + json.dumps({"type": "ping"})
        assert tab.ask(f"{frames}&token={token}", method="POST", body=both)["status"] == 204
        assert [head.split(" ")[0] for head in relay.heads] == ["POST"], relay.heads
        tab.hears(by="holdfast.subscribed")
        tab.hears(by="holdfast.pong")
        place.is_true_of("topics/news-10", lambda topic: topic["sessions"] == 1)
        place.push("to the topic", topic="news-10")
        tab.hears(by="message", data="to the topic")

        forbidden = json.dumps({"type": "subscribe", "topics": ["secrets"]})
        refused = tab.ask(frames, **bearer(token, method="POST", body=f'{{"type":"ping"}}\n{forbidden}'))
        assert refused["status"] == 403 and refused["body"]["pointer"] == "/1", refused
        refused = tab.ask(frames, **bearer(place.token("somebody"), method="POST", body=subscribe))
        assert refused["status"] == 404, refused


def a_beacon_is_taken_from_a_page_that_goes(browser, place, origin, **_):
    """Frames by `navigator.sendBeacon`, for a session that another tab holds."""
    token = place.token("u11", "--subscribe", "*")
    with Relay(place.clients) as relay, Tab(browser, origin.name) as tab, Tab(browser, origin.name) as going:
        tab.does("follow", f"http://{place.clients}/v1/sse?token={token}")
        frames = frames_of(relay.address, tab.hears(by="holdfast.hello"))
        text = '{"type":"pong"}\n{"type":"subscribe","topics":["beacons"]}'
        going.does("say_when_hidden", f"{frames}&token={token}", text)
        assert not relay.heads
        going.page.goto("about:blank")
        tab.hears(by="holdfast.subscribed")
        place.is_true_of("topics/beacons", lambda topic: topic["sessions"] == 1)
        assert [head.split(" ")[0] for head in relay.heads] == ["POST"], relay.heads


def who_has_posted_a_pong_is_held_to_it(browser, servers, binary, origin, **_):
    """A page that stops answering is gone; one that never answered stays."""
    place = Cluster(servers, binary, "--ping-interval", "1s")
    with Tab(browser, origin.name) as tab, Tab(browser, origin.name) as silent:
        silent.does("follow", f"http://{place.clients}/v1/sse?token={place.token('silent')}")
        token = place.token("u12")
        tab.does("follow", f"http://{place.clients}/v1/sse?token={token}")
        frames = frames_of(place.clients, tab.hears(by="holdfast.hello"))
        assert tab.ask(f"{frames}&token={token}", method="POST", body='{"type":"pong"}')["status"] == 204
        bye = tab.hears(by="holdfast.bye")["frame"]
        assert bye["reason"] == "ping_timeout" and bye["retry_ms"] > 0, bye
        silent.hears(3, by="holdfast.ping")
        assert place.ask("GET", "users/silent")["online"]
        assert len([one for one in silent.heard() if one["by"] == "holdfast.hello"]) == 1
