"""Pushes that are kept: as bodies of batches, sent flat out or at a pace."""

import http.client
import json
import random
import threading
import time
from concurrent.futures import ThreadPoolExecutor

from benches.measured.holdfast import API, SECRET
from benches.measured.unicast import run_before_others

TTL = 86_400
# Data of a push in bytes, of which the rest is filled with x.
BYTES = 100
# Lines of a paced stream come so often.
TICK = 0.001


def line(user, stamp=0):
    """A line of a batch: a push whose data is BYTES long, with the time in it at which it was due."""
    data = f'{{"t":{stamp},"p":"'
    data += "x" * (BYTES - len(data) - 2) + '"}'
    return f'{{"to":{{"user":"{user}"}},"data":{data},"ttl":{TTL}}}\n'.encode()


def to_random(users, count):
    """Lines to users picked at random."""
    lines = [line(user) for user in users]
    return random.choices(lines, k=count)


def each(users, times):
    """Lines to each of the users, so many times, in another order each time."""
    lines = [line(user) for user in users]
    return [one for _ in range(times) for one in random.sample(lines, len(lines))]


def post(body, number=0, length=None):
    """Sends a batch to a pusher-api; how many lines were kept."""
    api = http.client.HTTPConnection("127.0.0.1", API + number, timeout=600)
    headers = {"Authorization": f"Bearer {SECRET}", "Content-Type": "application/x-ndjson"}
    api.request("POST", "/v1/push/batch", body, headers, encode_chunked=length is None)
    answer = api.getresponse()
    said = answer.read()
    api.close()
    if answer.status != 200:
        raise SystemExit(f"a batch got {answer.status}: {said[:500]}")
    found = json.loads(said)
    if found["rejected"]:
        print(f"rejected: {found['rejected'][:3]}", flush=True)
    return found["accepted"]


class Batches:
    """Batches under way in the background, a connection each, over these pusher-apis in turns."""

    def __init__(self, lines, connections=4, apis=1):
        self.kept = [0] * connections
        bodies = [b"".join(lines[number::connections]) for number in range(connections)]

        def send(number):
            body = bodies[number]
            self.kept[number] = post(body, number % apis, len(body))

        self.threads = [threading.Thread(target=send, args=(number,)) for number in range(connections)]
        self.begun = time.time()
        for thread in self.threads:
            thread.start()

    def wait(self):
        """How many were kept, and when the last of them was."""
        for thread in self.threads:
            thread.join()
        return sum(self.kept), time.time()


def paced(users, rate, seconds):
    """One batch whose lines come at a rate, each with the time it was due; how many were kept."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(_pace, users, rate, seconds).result()


def _pace(users, rate, seconds):
    run_before_others()
    begun, sent = time.time(), 0

    def lines():
        nonlocal sent
        while (passed := time.time() - begun) < seconds:
            due = int(passed * rate)
            stamps = (begun + number / rate for number in range(sent, due))
            if now := b"".join(line(random.choice(users), int(stamp * 1e9)) for stamp in stamps):
                yield now
            sent = due
            time.sleep(TICK)

    return post(lines())
