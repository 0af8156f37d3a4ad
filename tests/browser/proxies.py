"""nginx and HAProxy in front of a gateway, as examples/production has them, but without TLS."""

import os
import re
import shutil
import sys
from functools import partial
from pathlib import Path

from benches.measured.processes import answers
from tests.python_tools import ROOT, free_ports

EXAMPLES = ROOT / "examples/production"


def replaced(text, *changes):
    """The text with each of the changes, which all have to be possible."""
    for old, new in changes:
        if not re.search(old, text, re.MULTILINE):
            sys.exit(f"the configuration has no {old!r} any more: mend {__file__}")
        text = re.sub(old, new, text, flags=re.MULTILINE)
    return text


class Proxy:
    """One in front of a cluster's first gateway; its own process, in a folder of its own."""

    def __init__(self, place, command, folder):
        self.servers = place.servers
        self.address = f"127.0.0.1:{free_ports(1)[0]}"
        self.place = place
        self.folder = Path(folder)
        program, *more = command
        # Not everybody has in PATH what is meant for root.
        binary = shutil.which(program, path=f"{os.environ['PATH']}:/usr/sbin:/usr/local/sbin")
        if binary is None:
            sys.exit(f"{program} is missing: apt-get install nginx-light haproxy")
        self.pid = self.servers.start(binary, *getattr(self, program)(*more))
        there = f"http://{self.address}/v1/sse?token={place.token('first')}"
        self.servers.wait_for(partial(answers, there), f"{program} in front of the gateway")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.servers.stop(self.pid)

    def nginx(self, buffering):
        """Its arguments; `buffering` is `on` or `off`."""
        scratch = "".join(f"{kind}_temp_path {self.folder}/{kind};\n"
                          for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
        text = replaced(
            (EXAMPLES / "nginx.conf").read_text(), ("^user .*\n", ""), ("^include .*\n", ""),
            ("/run/nginx.pid", f"{self.folder}/nginx.pid"), ("/var/log/nginx/", f"{self.folder}/"),
            ("^ *ssl_.*\n", ""), (r"^stream \{(.|\n)*", ""), ("listen 443 ssl", f"listen {self.address}"),
            (r"^ *server 127.0.0.1:81\d\d;\n", ""), ("127.0.0.1:8080", self.place.clients),
            ("127.0.0.1:8090", self.place.addresses[3]), ("^worker_rlimit_nofile .*\n", ""),
            ("worker_connections .*;", "worker_connections 512;"),
            ("^http {", f"http {{\n{scratch}proxy_buffering {buffering};"))
        path = self.folder / "nginx.conf"
        path.write_text(text)
        # One process, so that none is left behind when it is killed.
        return "-e", self.folder / "error.log", "-c", path, "-g", "daemon off; master_process off;"

    def haproxy(self):
        """Its arguments."""
        clients, _, operators = self.place.ports[0]
        health = f"port {operators.split(':')[1]} inter 100ms"
        text = replaced(
            (EXAMPLES / "haproxy.cfg").read_text(), ("log /dev/log local0", "log stdout format raw local0"),
            ("^  (user|group) .*\n", ""), ("maxconn 200000", "maxconn 512"), ("^  ssl-.*\n", ""),
            (r"^frontend tls\n(.|\n)*", ""), ("bind :443 ssl .*", f"bind {self.address}"),
            ("-i clients.example.com", "-i 127.0.0.1"), (r"^  server .* 127.0.0.1:81\d\d\n", ""),
            ("127.0.0.1:8080", clients), ("port 8082 inter 2s", health),
            ("127.0.0.1:8090", self.place.addresses[3]))
        path = self.folder / "haproxy.cfg"
        path.write_text(text)
        return "-db", "-f", path
