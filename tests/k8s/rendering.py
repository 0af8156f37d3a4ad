"""What kustomize makes of k8s/, and what is where in it."""

import os
import re
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path

import yaml

from tests.python_tools import ROOT

K8S = ROOT / "k8s"
OVERLAYS = ["one-machine", "production", "production-tls", "stress", "node-limits"]
WORKLOADS = ["Deployment", "StatefulSet", "DaemonSet", "Job"]


@cache
def render(folder):
    """The objects that a folder of k8s/ stands for; a warning is a fault, too."""
    done = subprocess.run(["kubectl", "kustomize", folder], capture_output=True, text=True, check=False)
    if done.returncode or done.stderr:
        sys.exit(f"kubectl kustomize {folder}: {done.stderr.strip()}\n(kustomize 5.0 or later is needed)")
    return [each for each in yaml.safe_load_all(done.stdout) if each]


def overlay(name):
    """The objects of an overlay."""
    return render(K8S / "overlays" / name)


@cache
def with_component(name, component):
    """The objects of an overlay with a component more, as somebody's own overlay would have it."""
    made = ROOT / "target" / "k8s"
    with tempfile.TemporaryDirectory(dir=made) as folder:
        below, beside = (os.path.relpath(K8S / place, folder)
                         for place in [f"overlays/{name}", f"components/{component}"])
        text = yaml.dump({"apiVersion": "kustomize.config.k8s.io/v1beta1", "kind": "Kustomization",
                          "resources": [below], "components": [beside]})
        Path(folder, "kustomization.yaml").write_text(text)
        return render(folder)


def everything():
    """What each overlay stands for, by its name, also with TLS where somebody may add that."""
    return {name: overlay(name) for name in OVERLAYS} | sealed()


def sealed():
    """Those that speak TLS, by their names."""
    return {"production-tls": overlay("production-tls"),
            "one-machine with TLS": with_component("one-machine", "tls")}


def of_kind(objects, *kinds):
    """Those of these kinds."""
    return [each for each in objects if each["kind"] in kinds]


def named(objects, kind, name):
    """The one of this kind and name."""
    return next(each for each in of_kind(objects, kind) if each["metadata"]["name"] == name)


def workloads(objects, *kinds):
    """Those that have pods."""
    return of_kind(objects, *(kinds or WORKLOADS))


def pod_of(workload):
    """What its pods are."""
    return workload["spec"]["template"]["spec"]


def containers_of(workload):
    """All of its pods' containers, those that run first included."""
    pod = pod_of(workload)
    return [*pod.get("initContainers", []), *pod["containers"]]


def arguments(container, **changed):
    """Its arguments, with variables put in as the kubelet does; some may be changed."""
    values = {each["name"]: each.get("value", "0") for each in container.get("env", [])} | changed
    return [re.sub(r"\$\((\w+)\)", lambda found: values[found[1]], text) for text in container["args"]]


def flag(container, name):
    """What a flag says; None if it is not given."""
    begins = f"--{name}="
    values = [text.removeprefix(begins) for text in arguments(container) if text.startswith(begins)]
    return values[0] if values else None


def seconds(text):
    """A duration as flags have it."""
    units = {"ms": 0.001, "s": 1, "m": 60, "h": 3600}
    number, unit = re.fullmatch(r"(\d+)(ms|s|m|h)", text).groups()
    return int(number) * units[unit]


def quantity(text):
    """Bytes, as resources have them."""
    units = {"Ki": 10, "Mi": 20, "Gi": 30}
    return int(text[:-2]) << units[text[-2:]]


def ports_of(container):
    """Its ports by their names."""
    return {each["name"]: each["containerPort"] for each in container.get("ports", [])}


def is_chosen(labels, selector):
    """Whether labels match a selector (matchLabels, or a Service's own form)."""
    wanted = selector.get("matchLabels", selector)
    return all(labels.get(name) == value for name, value in wanted.items())
