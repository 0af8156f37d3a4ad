"""What the programs that drive a real browser have in common."""

import argparse
import inspect
import os
import shutil
import sys
from pathlib import Path

from tests.python_tools import ROOT, installed

# What drives it; installed once, for all of them.
REQUIREMENTS = ROOT / "tests/page/requirements.txt"


def options(about):
    """A command line with what all of them take."""
    parser = argparse.ArgumentParser(description=about.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help="only cases with this in their name")
    parser.add_argument("--binary", type=Path, default=ROOT / "target/debug/holdfast", metavar="FILE",
                        help="[default: target/debug/holdfast]")
    parser.add_argument("--browser", type=Path, default=shutil.which("chromium"), metavar="FILE",
                        help="[default: chromium]")
    return parser


def prepare(given):
    """Begins this program anew where what drives the browser is installed."""
    if given.browser is None:
        sys.exit("chromium is missing: apt-get install chromium, or name another one with --browser")
    programs = installed(REQUIREMENTS, "page")
    if Path(sys.prefix) != programs.parent:
        os.execv(programs / "python", [programs / "python", *sys.argv])


def cases(module, names):
    """The cases of a module that were asked for, in the order in which they are written.

    They are the functions that take a browser, and what else they need of what they are offered.
    """
    found = [case for _, case in inspect.getmembers(module, inspect.isfunction)
             if case.__module__ == module.__name__ and is_case(inspect.getfullargspec(case))]
    found.sort(key=lambda case: case.__code__.co_firstlineno)
    return [case for case in found if not names or any(name in case.__name__ for name in names)]


def is_case(specification):
    """Whether these are the parameters of a case."""
    return "browser" in specification.args and specification.varkw is not None


def launch(playwright, given):
    """A browser without a window."""
    # In a container, where root runs it, there are no namespaces for the sandbox.
    return playwright.chromium.launch(executable_path=given.browser, args=["--no-sandbox"])
