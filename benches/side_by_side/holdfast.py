"""Holdfast: one gateway of two workers, one pusher-api, HS256 tokens."""

from benches.measured.client import Client
from benches.measured.holdfast import SECRET, Holdfast

from .server import DATA, Held, idle, post, pushed, spread, stamped, wrk


class Server(Holdfast):
    """Both processes."""

    def __init__(self, given, directory):
        super().__init__(given.program, directory, gateways=1, workers=2)

    def processes(self):
        """Everything that memory and CPU are measured of."""
        return [*self.gateways, self.pusher_api]

    def hold(self, given):
        """Opens all sessions once those of the run before are gone."""
        self.wait_for(lambda: self.sessions() == 0, "no sessions", 300)
        return Held(given, self, *self.client_flags())


def measure(given, server):
    """All figures."""
    grown, figures = idle(given, server, lambda: server.hold(given))
    figures["pusher_api_memory"] = grown[server.pusher_api]

    held = server.hold(given)
    requests, rate = wrk(server.api, given.seconds, "holdfast", given.sessions, SECRET)
    figures |= pushed(requests, rate, held.report())

    server.wait_for(lambda: server.sessions() == 0, "no sessions", 300)
    flags = ["--push-total", given.pushes, "--payload", f"{DATA}B", *server.push_flags()]
    report = Client(given.program, "push", *flags, sessions=given.sessions).report()
    figures["streamed"] = report["received"]["per_second"]

    held = server.hold(given)
    headers = {"authorization": f"Bearer {SECRET}", "content-type": "application/json"}
    for number in range(given.broadcasts):
        body = f'{{"to":{{"all":true}},"data":{stamped(number, DATA)}}}'
        post(f"{server.api}/v1/push", body, **headers)
        given.pause()
    return figures | spread(held.report())
