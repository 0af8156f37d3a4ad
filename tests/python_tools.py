"""What the programs of `tests/` written in Python have in common."""

import socket
import subprocess
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def installed(requirements, name):
    """The folder of the programs in `target/<name>`, which are installed anew when a version changes."""
    folder = ROOT / "target" / name
    wanted = requirements.read_text()
    ready = folder / "ready"
    if not ready.exists() or ready.read_text() != wanted:
        venv.create(folder, clear=True, with_pip=True)
        pip = [folder / "bin/pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, "--requirement", requirements], check=True)
        ready.write_text(wanted)
    return folder / "bin"


def free_ports(count):
    """Ports that nobody listens on; they are let go, so somebody else may be faster."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports
