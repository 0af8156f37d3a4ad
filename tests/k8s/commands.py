"""The commands of the documentation that need no cluster, run as they stand there."""

import re
import subprocess
import tempfile

import yaml

from tests.k8s.rendering import everything, of_kind, pod_of
from tests.python_tools import ROOT

PAGES = [ROOT / "docs/kubernetes.md", ROOT / "k8s/README.md"]
WORKLOADS = ["Deployment", "StatefulSet", "Job"]


def lines():
    """Every line of a block of commands, by its page."""
    for page in PAGES:
        for block in re.findall(r"^```sh\n(.*?)^```", page.read_text(), re.MULTILINE | re.DOTALL):
            yield from block.replace("\\\n", " ").splitlines()


def shell(line, folder):
    """What a command prints; it has to do well."""
    done = subprocess.run(["sh", "-c", line], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{line}: {done.stderr}"
    return done.stdout


def documented_overlays_can_be_rendered():
    """As they are to be read before they are applied."""
    rendering = {line for line in lines() if line.startswith("kubectl kustomize ")}
    assert rendering
    for line in rendering:
        assert shell(line, ROOT)
    for folder in set(re.findall(r"kubectl apply -k (\S+)", "\n".join(lines()))):
        assert (ROOT / folder / "kustomization.yaml").exists(), folder


def secrets_are_made_as_documented():
    """With the names and the keys that pods mount."""
    made = {}
    with tempfile.TemporaryDirectory() as folder:
        for line in lines():
            if "make-keys" in line or "make-certificates" in line or line.startswith("sed "):
                shell(line.replace("examples/", f"{ROOT}/examples/"), folder)
            elif " create secret " in line:
                secret = yaml.safe_load(shell(f"{line} --dry-run=client -o yaml", folder))
                made[secret["metadata"]["name"]] = set(secret["data"])
    for objects in everything().values():
        for workload in of_kind(objects, *WORKLOADS):
            for volume in pod_of(workload)["volumes"]:
                for source in volume["projected"]["sources"]:
                    keys = {item["key"] for item in source["secret"]["items"]}
                    assert keys <= made[source["secret"]["name"]], source


CASES = [documented_overlays_can_be_rendered, secrets_are_made_as_documented]
