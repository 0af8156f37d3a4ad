"""The same with a proxy in between."""

import tempfile
from functools import partial

from .lab import Cluster, Tab, bearer, frames_of, polled
from .proxies import Proxy


def proxies_pass_everything_on_at_once(browser, servers, binary, origin, **_):
    """No ping could have pushed it through: the next one is ten minutes away."""
    place = Cluster(servers, binary, "--ping-interval", "10m")
    for command in [("nginx", "on"), ("nginx", "off"), ("haproxy",)]:
        print(" ", *command, flush=True)
        with tempfile.TemporaryDirectory() as folder, Proxy(place, command, folder) as proxy:
            for user in streams_go_through(browser, place, origin, proxy):
                # HAProxy sees that a page has gone when it has something for it, which a ping would be, too.
                needs_pushes = command[0] == "haproxy"
                place.is_true_of(f"users/{user}", partial(is_offline, place, pushing=needs_pushes))
            goes_through(browser, place, origin, proxy)


def is_offline(place, user, pushing):
    """Whether a user is; if not, there may be a push for it."""
    if user["online"] and pushing:
        place.push("is anybody there?", user=user["user"])
    return not user["online"]


def streams_go_through(browser, place, origin, proxy):
    """Both ways of reading events, and frames that are posted; the users whose pages have gone."""
    stream = f"http://{proxy.address}/v1/sse"
    tokens = [place.token("u15"), place.token("u16")]
    names = ("holdfast.hello", "message", "holdfast.pong")
    ways = [("u15", names, "follow", [f"{stream}?token={tokens[0]}"]),
            ("u16", ("fetch", "fetch", "fetch"), "read", [stream, bearer(tokens[1], method="POST")])]
    for (user, (hello, push, pong), function, given), token in zip(ways, tokens, strict=True):
        with Tab(browser, origin.name) as tab:
            tab.does(function, *given)
            frames = frames_of(proxy.address, tab.hears(by=hello, type="hello"))
            for number in range(3):
                place.push(number, user=user)
                tab.hears(by=push, data=number)
            posted = tab.ask(frames, **bearer(token, method="POST", body='{"type":"ping"}'))
            assert posted["status"] == 204, posted
            tab.hears(by=pong, type="pong")
        yield user


def goes_through(browser, place, origin, proxy):
    """A goodbye, a WebSocket, and polls that wait."""
    token = place.token("u17")
    with Tab(browser, origin.name) as tab:
        tab.does("follow", f"http://{proxy.address}/v1/sse?token={token}")
        tab.hears(by="holdfast.hello")
        place.ask("DELETE", "users/u17/sessions")
        tab.hears(by="holdfast.bye", reason="disconnected")
    with Tab(browser, origin.name) as tab:
        tab.does("speak", f"ws://{proxy.address}/v1/ws", {"type": "connect", "token": token})
        tab.hears(by="socket", type="hello")
        place.push("through", user="u17")
        tab.hears(by="socket", data="through")
    with Tab(browser, origin.name) as tab:
        address, init = f"http://{proxy.address}/v1/poll", bearer(place.token("u22"))
        seen = tab.ask(address, **init)["body"]
        for number in range(1, 4):
            tab.does("poll", f"{address}?session={seen['session']}&seen={seen['seen']}&wait=90s", init)
            place.push(number, user="u22")
            answer = tab.hears(number, by="poll", status=200)
            assert polled(answer) == [number], answer
            seen = answer["body"]
