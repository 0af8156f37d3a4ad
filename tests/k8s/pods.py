"""Processes as pods have them, without a cluster: by the arguments of the manifests, as they stand there.

In a network and a mount namespace of their own, with a root that has nothing but what the image has and
cannot be written to, as a user who is nobody, with Secrets as the kubelet lays them. Needs root.
"""

import ctypes
import os
import shutil
import ssl
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from pathlib import Path

from tests.k8s.rendering import arguments, containers_of, pod_of
from tests.python_tools import ROOT

FOLDER = ROOT / "target/k8s/pods"
NOBODY = 65532
CLONE_NEWNS, CLONE_NEWNET = 0x00020000, 0x40000000
HOSTS = "127.0.0.1 localhost gateway gateway-links pusher-api\n"
SECRETS = {"jwt.secret": "a-secret-of-clients-of-32-bytes-or-more", "link.secret": "a-secret-between-the-two",
           "api.keys": "backend:push,read:a-key-of-a-backend", "api.key": "a-key-of-a-backend"}
PATIENCE = 30


def certificates(folder):
    """What the Secrets of components/tls have, and a file with the authority of what is used inside."""
    for name, names in [("clients", ["clients.example.com"]),
                        ("internal", ["gateway-links", "pusher-api", "localhost"])]:
        run(ROOT / "examples/production/make-certificates", folder, name, *names)
    files = ["clients.pem", "clients.key", "internal.pem", "internal.key", "internal-ca.pem"]
    return {name: (folder / name).read_text() for name in files}


def run(*command):
    """Runs a command that has to do well."""
    subprocess.run(list(map(str, command)), check=True, capture_output=True, timeout=PATIENCE)


def leave():
    """Puts this process into namespaces of its own, where there is nothing but loopback.

    What is mounted there, the folder of all this included, is gone with this process.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNS | CLONE_NEWNET) != 0:
        raise OSError(ctypes.get_errno(), "unshare")
    run("mount", "--make-rprivate", "/")
    run("ip", "link", "set", "lo", "up")
    FOLDER.mkdir(parents=True, exist_ok=True)
    run("mount", "-t", "tmpfs", "tmpfs", FOLDER)


def ask(port, path, scheme="http"):
    """Status and text of a GET; any certificate is taken, as the kubelet does."""
    anybody = ssl._create_unverified_context() if scheme == "https" else None
    try:
        url = f"{scheme}://127.0.0.1:{port}{path}"
        with urllib.request.urlopen(url, timeout=5, context=anybody) as response:
            return response.status, response.read().decode()
    except urllib.error.HTTPError as refused:
        return refused.code, refused.read().decode()


def eventually(what, holds):
    """Waits until it is so."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        try:
            if found := holds():
                return found
        except OSError:
            pass
        time.sleep(0.05)
    raise AssertionError(f"{what}: not within {PATIENCE} s")


class Secrets:
    """A volume of Secrets: a link for each file to a link to what is in force, which is changed at once."""

    def __init__(self, folder, secrets):
        self.folder = folder
        self.version = 0
        folder.mkdir(mode=0o755)
        self.lay(secrets)
        for name in secrets:
            (folder / name).symlink_to(f"..data/{name}")

    def lay(self, secrets):
        """Puts these into force."""
        self.version += 1
        of_now = self.folder / f"..{self.version}"
        of_now.mkdir(mode=0o755)
        for name, text in secrets.items():
            (of_now / name).write_text(f"{text}\n")
            os.chown(of_now / name, 0, NOBODY)
            (of_now / name).chmod(0o440)
        new = self.folder / "..data_new"
        new.symlink_to(of_now.name)
        new.rename(self.folder / "..data")
        shutil.rmtree(self.folder / f"..{self.version - 1}", ignore_errors=True)


class Node:
    """Where pods run; its processes end with the `with` block."""

    def __init__(self, binary, secrets=None):
        self.folder = Path(tempfile.mkdtemp(dir=FOLDER))
        self.processes = []
        self.secrets = Secrets(self.folder / "secrets", secrets or SECRETS)
        (self.folder / "data").mkdir()
        os.chown(self.folder / "data", NOBODY, NOBODY)
        self.root = self.image(binary)

    def image(self, binary):
        """What docker/Dockerfile puts into the image, read-only, with the volumes in it."""
        root = self.folder / "root"
        for place in ["etc/holdfast", "data", "proc"]:
            (root / place).mkdir(parents=True)
        libraries = subprocess.run(["ldd", binary], check=True, capture_output=True, text=True).stdout
        for library in [word for word in libraries.split() if word.startswith("/")]:
            place = root / library.lstrip("/")
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(library, place)
        (root / "holdfast").touch()
        (root / "etc/nsswitch.conf").write_text("hosts: files dns\n")
        (root / "etc/hosts").write_text(HOSTS)
        root.chmod(0o755)
        run("mount", "--bind", root, root)
        run("mount", "-t", "proc", "proc", root / "proc")
        for source, place in [(binary, "holdfast"), (self.secrets.folder, "etc/holdfast"),
                              (self.folder / "data", "data")]:
            run("mount", "--bind", source, root / place)
        for place in [root, root / "etc/holdfast"]:
            run("mount", "-o", "remount,bind,ro", place)
        return root

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        for process in self.processes:
            process.kill()
            process.wait()
        for log in self.folder.glob("*.log") if kind else []:
            print(f"--- {log.name}\n{log.read_text()[-2000:]}", file=sys.stderr)

    def start(self, workload, **changed):
        """Starts the one container of a workload's pods; variables of it may be changed."""
        for each in pod_of(workload)["securityContext"].get("sysctls", []):
            Path("/proc/sys", each["name"].replace(".", "/")).write_text(each["value"])
        container = containers_of(workload)[0]
        command = ["setpriv", "--no-new-privs", shutil.which("chroot"), f"--userspec={NOBODY}:{NOBODY}",
                   self.root, "/holdfast", *arguments(container, **changed)]
        with (self.folder / f"{container['name']}.log").open("ab") as log:
            process = subprocess.Popen(command, env={}, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        self.processes.append(process)
        return process


class Metrics:
    """What a process shows, by name and by labels with their values."""

    def __init__(self, text):
        self.labels = {}
        self.values = {}
        for line in text.splitlines():
            if line.startswith("#"):
                continue
            series, value = line.rsplit(" ", 1)
            name, _, labels = series.partition("{")
            self.values[series] = float(value)
            known = self.labels.setdefault(name, {})
            for pair in labels.rstrip("}").split('",'):
                label, _, content = pair.partition("=")
                if label:
                    known.setdefault(label, set()).add(content.strip('"'))
