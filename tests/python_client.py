"""The wheel of `clients/python`, built and installed apart from the system's Python."""

import subprocess
from pathlib import Path

from tests.python_tools import ROOT, installed

SOURCE = ROOT / "clients" / "python"


def installed_client():
    """The Python in `target/clients-python` that has the wheel of this tree, and what it is tried with.

    The wheel itself stays in `target/clients-python/dist`.
    """
    programs = installed(SOURCE / "requirements.txt", "clients-python")
    python, wheels = programs / "python", programs.parent / "dist"
    for old in wheels.glob("*.whl"):
        old.unlink()
    # What builds it is there already: nothing is fetched for that.
    build = [python, "-m", "build", "--wheel", "--no-isolation", "--outdir", wheels, SOURCE]
    subprocess.run(build, check=True, stdout=subprocess.DEVNULL)
    wheel, = wheels.glob("*.whl")
    pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    # Once with what it depends on; again for this tree's own, whose version stays the same.
    subprocess.run([*pip, wheel], check=True)
    subprocess.run([*pip, "--force-reinstall", "--no-deps", wheel], check=True)
    return Path(python)
