"""The alerts of k8s/, which are those of the lab in docker/ with a place to read on instead of a sentence."""

import re
import shutil
import subprocess
import tempfile

import yaml

from tests.python_tools import ROOT

SOURCE = ROOT / "docker/prometheus/alerts.yml"
CASES = ROOT / "docker/tests/alerts.yml"
MADE = ROOT / "k8s/components/monitoring/alerts.yaml"
PAGE = ROOT / "docs/alerts.md"
# Where the documentation can be read; whoever has it elsewhere writes that here and makes the alerts again.
RUNBOOKS = "https://holdfast.example.com/docs/alerts.md"
HEAD = """\
# Made from docker/prometheus/alerts.yml by `tests/k8s/run --write-alerts`; change that one.
"""


def wanted():
    """The PrometheusRule that the lab's rules stand for."""
    groups = yaml.safe_load(SOURCE.read_text())["groups"]
    for group in groups:
        for rule in group["rules"]:
            del rule["annotations"]["runbook"]
            rule["annotations"]["runbook_url"] = f"{RUNBOOKS}#{anchor(rule['alert'])}"
    return {"apiVersion": "monitoring.coreos.com/v1", "kind": "PrometheusRule",
            "metadata": {"name": "holdfast"}, "spec": {"groups": groups}}


def write():
    """Makes the file anew."""
    MADE.write_text(HEAD + yaml.dump(wanted(), sort_keys=False, width=110))


def anchor(heading):
    """Where a heading is found in its page."""
    return re.sub(r"[^\w-]", "", heading.lower().replace(" ", "-"))


def headings():
    """The anchors of the page about alerts, and their headings."""
    found = re.findall(r"^#+ (.+)$", PAGE.read_text(), re.MULTILINE)
    return {anchor(heading): heading for heading in found}


def faults(spec):
    """What promtool finds wrong with the rules, and with the cases of the lab's; None where it is missing."""
    if shutil.which("promtool") is None:
        return None
    with tempfile.NamedTemporaryFile("w", suffix=".yml") as file:
        yaml.dump(spec, file)
        file.flush()
        runs = [subprocess.run(["promtool", *command], capture_output=True, text=True, check=False)
                for command in [["check", "rules", file.name], ["test", "rules", CASES]]]
    return [run.stdout + run.stderr for run in runs if run.returncode]


class Series:
    """What an expression asks for."""

    NAME = r"(?P<name>(?:holdfast|process)_\w+|up)(?:\{(?P<matchers>[^}]*)\})?"
    MATCHER = r'(\w+)\s*(=~|!~|!=|=)\s*"([^"]*)"'

    def __init__(self, found):
        self.name = found["name"]
        self.matchers = re.findall(self.MATCHER, found["matchers"] or "")

    @classmethod
    def of(cls, expression):
        """Every one of an expression."""
        return [cls(found) for found in re.finditer(cls.NAME, expression)]
