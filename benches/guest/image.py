"""What the guest boots: Debian's kernel and busybox, unpacked and not installed, and an initramfs."""

import os
import re
import shutil
import subprocess
from pathlib import Path

INSIDE = Path(__file__).resolve().parent / "inside"
KERNEL, BUSYBOX = "linux-image-cloud-amd64", "busybox-static"
TOOLS = {"qemu-system-x86_64": "qemu-system-x86", "cpio": "cpio"}
SCRIPTS = ["limits.sh", "measure.sh", "processes.sh", "journey.sh"]


def empty(folder):
    """A folder with nothing in it."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    return folder


def apt(*command):
    """Runs apt-get as root."""
    root = [] if os.geteuid() == 0 else ["sudo"]
    subprocess.run([*root, "apt-get", "-qq", *command], check=True, stdout=subprocess.DEVNULL)


def install_tools():
    """Installs the plain tools that are missing."""
    missing = [package for tool, package in TOOLS.items() if not shutil.which(tool)]
    if not missing:
        return
    if not shutil.which("apt-get"):
        raise SystemExit(f"error: this needs Debian's packages {', '.join(missing)}, and here is no "
                         "apt-get; install qemu for x86-64 and cpio by other means")
    print(f"installing {', '.join(missing)}", flush=True)
    apt("update")
    apt("install", "-y", "--no-install-recommends", *missing)


def unpacked(work, package):
    """Debian's package, downloaded and unpacked once; the system does not get it."""
    folder = work / "packages" / package
    if (folder / "complete").exists():
        return folder
    if not shutil.which("apt-get"):
        raise SystemExit(f"error: {package} comes from Debian, and here is no apt-get; give --kernel "
                         "and put a static busybox into target/guest/packages/busybox-static/bin/")
    empty(folder)
    sandbox = ["-o", "APT::Sandbox::User=root"] if os.geteuid() == 0 else []
    print(f"downloading {package}", flush=True)
    subprocess.run(["apt-get", "-qq", *sandbox, "download", package], cwd=folder, check=True)
    archive = next(folder.glob("*.deb"))
    subprocess.run(["dpkg-deb", "-x", archive, folder], check=True)
    archive.unlink()
    (folder / "complete").touch()
    return folder


def kernel(work):
    """The newest stock kernel; the meta package names it."""
    def named():
        command = ["apt-cache", "depends", KERNEL]
        said = subprocess.run(command, capture_output=True, text=True, check=False)
        return re.search(r"Depends: (linux-image-\S+)", said.stdout)
    known = sorted((work / "packages").glob("linux-image-*/boot/vmlinuz-*"))
    if known:
        return known[-1]
    if shutil.which("apt-cache") and not named():
        apt("update")
    found = named() if shutil.which("apt-cache") else None
    if not found:
        raise SystemExit(f"error: apt does not know {KERNEL}, which Debian has; give --kernel FILE, "
                         "one with initramfs and 8250 serial ports built in")
    return next(unpacked(work, found[1]).glob("boot/vmlinuz-*"))


def busybox(work):
    """The guest's only tool."""
    return unpacked(work, BUSYBOX) / "bin" / "busybox"


def libraries(binary):
    """The shared libraries a program loads, its loader included."""
    # A static program has none, and ldd calls that a failure.
    said = subprocess.run(["ldd", binary], capture_output=True, text=True, check=False).stdout
    return [Path(path) for path in re.findall(r"(?:=> |^\s+)(/\S+)", said, re.MULTILINE)]


def put(tree, source, target):
    """Copies a file into the guest's tree, links followed."""
    path = tree / str(target).lstrip("/")
    path.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy(source, path)


def pack(tree, archive):
    """The tree as the kernel unpacks it."""
    names = "\n".join(sorted(str(path.relative_to(tree)) for path in tree.rglob("*")))
    with archive.open("wb") as out:
        subprocess.run(["cpio", "--quiet", "-o", "-H", "newc", "-R", "0:0"], cwd=tree,
                       input=names.encode(), stdout=out, check=True)
    shutil.rmtree(tree)
    return archive


def build(work, tool, binary, parameters):
    """The initramfs of the journey."""
    tree = empty(work / "tree")
    put(tree, tool, "/bin/busybox")
    put(tree, binary, "/bin/holdfast")
    for library in libraries(binary):
        put(tree, library, library)
    put(tree, INSIDE / "init", "/init")
    for script in SCRIPTS:
        put(tree, INSIDE / script, f"/{script}")
    (tree / "parameters").write_text(parameters)
    return pack(tree, work / "initramfs")


def trial(work, tool):
    """An initramfs that only says that it runs."""
    tree = empty(work / "tree")
    put(tree, tool, "/bin/busybox")
    init = tree / "init"
    init.write_text("#!/bin/busybox sh\n/bin/busybox echo @million trial\n")
    init.chmod(0o755)
    return pack(tree, work / "trial")
