"""What answers, codes and times are read as."""

import json
from typing import Any

import pytest
import urllib3

from holdfast import endings, pausing, pushes, sending, tokens
from holdfast.endings import Way
from holdfast.sending import Elsewhere, Fate, Lost, Reported


def answer(status: int, body: object, **headers: str) -> sending.Answer:
    """An answer to a batch of four lines."""
    fields = urllib3.HTTPHeaderDict({name.replace("_", "-"): value for name, value in headers.items()})
    return sending.read(status, fields, json.dumps(body).encode(), 4)


def rejection(first: int, last: int, status: int, **more: Any) -> dict[str, Any]:
    """An entry of a report."""
    return {"lines": [first, last], "status": status, "detail": "d", **more}


def statuses(read: sending.Answer) -> list[int | None]:
    """Of each line."""
    assert isinstance(read, Reported)
    return [fate.status for fate in read.fates]


def test_a_report_tells_of_every_line() -> None:
    """Also one that is truncated, or of a body that was broken off."""
    report = {"accepted": 2, "rejected": [rejection(1, 1, 422), rejection(3, 3, 503)], "retry_after": 7}
    read = answer(200, report)
    assert statuses(read) == [422, None, 503, None]
    assert isinstance(read, Reported) and read.pause == 7.0
    truncated = {"accepted": 1, "rejected": [rejection(2, 4, 422, truncated=True)]}
    assert statuses(answer(200, truncated)) == [None, 503, 503, 503]
    broken = {"accepted": 1, "rejected": [rejection(1, 1, 422)], "detail": "stood still"}
    assert statuses(answer(408, broken)) == [422, None, 503, 503]


def test_what_is_known_of_other_answers() -> None:
    """Nothing was taken, nothing ever will be, somebody else answers, or nobody knows."""
    read = answer(503, {"detail": "no gateway"}, Retry_After="3")
    assert read == Reported([Fate(503, "no gateway")] * 4, 3.0, None)
    assert all(fate.may_be_sent_again for fate in read.fates)
    assert statuses(answer(401, {})) == [401] * 4
    assert answer(412, {}, Holdfast_Process="Y") == Elsewhere("Y")
    for status, body in [(200, {}), (200, {"accepted": 3}), (200, {"accepted": "x"}), (502, {}), (500, "x")]:
        assert isinstance(answer(status, body), Lost), (status, body)


def test_pauses() -> None:
    """Full jitter has a bound that doubles; what the other side says is a number or a date."""
    for failures, most in [(1, 0.25), (2, 0.5), (3, 1.0), (50, 30.0)]:
        assert all(0 <= pausing.full_jitter(failures) <= most for _ in range(100)), failures
    cases = {"3": 3.0, " 0 ": 0.0, "-1": None, "soon": None, "99999": 3600.0}
    assert {text: pausing.retry_after(text) for text in cases} == cases
    assert pausing.retry_after("Fri, 27 Nov 2020 10:00:00 GMT") == 0.0
    assert pausing.retry_after(None) is None


def test_ends_of_sessions() -> None:
    """Who comes back, who needs another token, who stays away."""
    assert endings.by_bye({"reason": "draining", "retry_ms": 1500}).pause == 1.5
    ways = {
        ("replaced", 4409): Way.NEVER,
        ("disconnected", 1008): Way.NEVER,
        ("token_expired", 4401): Way.WITH_ANOTHER_TOKEN,
        ("unauthorized", 1008): Way.WITH_ANOTHER_TOKEN,
        ("invalid_frame", 1007): Way.NEVER,
    }
    for (reason, code), way in ways.items():
        assert endings.by_bye({"reason": reason}).way is way, reason
        assert endings.by_code(code, reason).way is way, reason
    codes: tuple[int | None, ...] = (None, 1000, 1001, 1006, 1011, 1012, 1013, 4429)
    for without in codes:
        assert endings.by_code(without, "").way is Way.BACK, without
    refused = endings.by_refusal(503, {"Retry-After": "2"}, b'{"retry_ms":1234,"detail":"full"}')
    assert (refused.way, refused.pause, refused.detail) == (Way.BACK, 1.234, "full")
    assert endings.by_refusal(429, {"Retry-After": "2"}, b"no problem").pause == 2.0
    assert endings.by_refusal(404, {}, b'{"detail":"nothing is there"}').way is Way.NEVER
    assert endings.by_refusal(404, {}, b"").way is Way.BACK
    assert endings.by_refusal(401, {}, b"").way is Way.WITH_ANOTHER_TOKEN


def test_what_cannot_be_a_push() -> None:
    """It is said at once, not by pusher-api later."""
    wrong: list[dict[str, Any]] = [
        {}, {"user": "a", "topic": "b"}, {"users": []}, {"users": "abc"}, {"user": "a", "ttl": -1},
        {"user": "a", "id": "x"}, {"user": "a", "data": float("nan")}, {"user": "a", "data": "\ud800"},
        {"user": "a", "data": object()},
    ]
    for one in wrong:
        with pytest.raises((TypeError, ValueError)):
            data = one.pop("data", 1)
            ttl, identity = one.pop("ttl", 0), one.pop("id", None)
            to, names = pushes.recipient(one.get("user"), one.get("users"), one.get("topic"), False)
            pushes.push(data, to, names, ttl, None, identity)


def test_when_a_token_ends() -> None:
    """What is no JWT with an end has none."""
    token = "e30.eyJleHAiOjE3fQ.x"
    assert tokens.expiry(token) == 17.0
    assert [tokens.expiry(one) for one in ("", "a.b", "a.b.c", "e30.e30.x")] == [None] * 4
