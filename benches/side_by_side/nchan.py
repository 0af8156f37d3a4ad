"""nginx with nchan: two worker processes; a channel per user, and one that everybody reads."""

import urllib.request

from benches.measured.processes import Processes
from benches.measured.readings import children

from .server import FRAME, Held, idle, post, pushed, spread, stamped, wrk

PORT = 10_000
MODULE = "/usr/lib/nginx/modules/ngx_nchan_module.so"
# Messages are not kept: the push that Holdfast is measured with is not kept either.
CONFIGURATION = """
daemon off;
user root;
worker_processes 2;
worker_rlimit_nofile 20000;
pid {directory}/nginx.pid;
error_log {directory}/nginx.log warn;
load_module {module};
events {{ worker_connections 19900; }}
http {{
  access_log off;
  keepalive_requests 1000000000;
  client_body_temp_path {directory}/body;
  nchan_shared_memory_size 512M;
  nchan_store_messages off;
  server {{
    listen 127.0.0.1:{port} reuseport backlog=65535;
    location ~ ^/sub/(\\w+)$ {{
      nchan_subscriber websocket;
      nchan_channel_id $1;
      nchan_websocket_ping_interval 25s;
    }}
    location ~ ^/pub/(\\w+)$ {{
      nchan_publisher;
      nchan_channel_id $1;
    }}
    location = /status {{ nchan_stub_status; }}
  }}
}}
"""


class Server(Processes):
    """nginx and its workers."""

    def __init__(self, _, directory):
        super().__init__()
        file = f"{directory}/nginx.conf"
        with open(file, "w", encoding="utf-8") as out:
            out.write(CONFIGURATION.format(directory=directory, module=MODULE, port=PORT))
        self.url = f"http://127.0.0.1:{PORT}"
        self.master = self.start("nginx", "-e", "stderr", "-p", directory, "-c", file)

    def await_ready(self):
        """Waits until it answers."""
        self.wait_for(lambda: self.sessions() == 0, "nginx")

    def processes(self):
        """Everything that memory and CPU are measured of."""
        return [self.master, *children(self.master)]

    def sessions(self):
        """The subscribers that nchan says it has."""
        with urllib.request.urlopen(f"{self.url}/status", timeout=10) as response:
            status = response.read().decode()
        return int(status.split("subscribers:")[1].split()[0])

    def hold(self, given, path="/sub/{user}"):
        """Opens all sessions once those of the run before are gone."""
        self.wait_for(lambda: self.sessions() == 0, "no sessions", 300)
        return Held(given, self, "--target", f"ws://127.0.0.1:{PORT}{path}", "--no-hello")

    def __exit__(self, *reason):
        # Workers outlive a master that is killed.
        for process in self.started:
            process.terminate()
            process.wait()
        super().__exit__(*reason)


def measure(given, server):
    """All figures that it has."""
    _, figures = idle(given, server, lambda: server.hold(given))

    held = server.hold(given)
    requests, rate = wrk(server.url, given.seconds, "nchan", given.sessions)
    figures |= pushed(requests, rate, held.report())

    held = server.hold(given, "/sub/everybody")
    for number in range(given.broadcasts):
        post(f"{server.url}/pub/everybody", stamped(number, FRAME))
        given.pause()
    return figures | spread(held.report())
