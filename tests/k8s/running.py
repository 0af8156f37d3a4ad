"""The processes of the manifests, started with the arguments that stand there (`pods` says how)."""

import json
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import urllib.error
import urllib.request
from pathlib import Path

import yaml

from tests.k8s import alerts
from tests.k8s.pods import SECRETS, Metrics, Node, ask, certificates, eventually, leave
from tests.k8s.rendering import (
    K8S,
    arguments,
    containers_of,
    everything,
    named,
    of_kind,
    overlay,
    ports_of,
    sealed,
    workloads,
)
from tests.python_tools import ROOT

# What an alert says of targets and not of metrics.
OF_TARGETS = {"job", "instance", "namespace", "pod"}
# 127.0.0.1, as the kernel writes it.
LOOPBACK = "0100007F"


def start(node, objects):
    """The gateway and the pusher-api of an overlay, both ready; their containers."""
    both = [named(objects, "Deployment", "gateway"), named(objects, "StatefulSet", "pusher-api")]
    for workload in both:
        node.start(workload)
    containers = [containers_of(workload)[0] for workload in both]
    for container in containers:
        await_probe(container, "readinessProbe")
    return containers


def await_probe(container, probe, status=200):
    """Waits until a probe is answered so."""
    asked = container[probe]["httpGet"]
    port, scheme = ports_of(container)[asked["port"]], asked.get("scheme", "HTTP").lower()
    eventually(f"{container['name']}'s {probe} is {status}",
               lambda: ask(port, asked["path"], scheme)[0] == status)


def listening():
    """The ports that somebody listens on in this namespace, on more than loopback."""
    tables = [Path(f"/proc/self/net/{name}").read_text().splitlines()[1:] for name in ["tcp", "tcp6"]]
    rows = [row.split() for table in tables for row in table]
    addresses = [row[1].split(":") for row in rows if row[3] == "0A"]
    return {int(port, 16) for address, port in addresses if address != LOOPBACK}


def every_container_is_given_flags_that_there_are(binary):
    """Also those that are not started here: doctor would change this machine."""
    for name, objects in everything().items():
        for container in [each for workload in workloads(objects) for each in containers_of(workload)]:
            if "holdfast:" in container["image"]:
                # Behind a flag that is unknown, help is an error.
                command = [binary, *arguments(container), "--help"]
                asked = subprocess.run(command, capture_output=True, check=False)
                assert asked.returncode == 0, f"{name}, {container['name']}: {asked.stderr.decode()}"


def each_overlay_starts_as_it_stands_there(binary):
    """Its flags are taken, its ports listen and no others, its probes answer, and a push is kept."""
    for name in ["one-machine", "production", "stress"]:
        with Node(binary) as node:
            is_reached_as_it_says(start(node, overlay(name)))
            assert push({"to": {"user": "u"}, "data": 1, "ttl": 60}) == 202, name
    with Node(binary) as node:
        objects = overlay("production")
        node.start(named(objects, "Deployment", "gateway"))
        live = named(objects, "Deployment", "pusher-api-live")
        node.start(live)
        await_probe(containers_of(live)[0], "readinessProbe")
        assert push({"to": {"user": "u"}, "data": 1}) == 202
        assert push({"to": {"user": "u"}, "data": 1, "ttl": 60}) == 501, "nothing is kept there"


def is_reached_as_it_says(containers):
    """By the ports of these containers and no others; their probes are answered."""
    ports = {port for container in containers for port in ports_of(container).values()}
    assert listening() == ports, f"{listening()} instead of {ports}"
    for container in containers:
        for probe in ["startupProbe", "livenessProbe", "readinessProbe"]:
            await_probe(container, probe)


def with_tls_each_starts_as_it_stands_there(binary):
    """To clients, on links and to backends, and nothing else; certificates are replaced without a restart."""
    for name, objects in sealed().items():
        with tempfile.TemporaryDirectory() as made, Node(binary, SECRETS | certificates(Path(made))) as node:
            is_reached_as_it_says(start(node, objects))
            assert is_sealed(Path(made)), name
            shutil.rmtree(made)
            node.secrets.lay(SECRETS | certificates(Path(made)))
            eventually("new certificates are shown", lambda made=made: is_sealed(Path(made)))


def is_sealed(made):
    """Whether clients and backends are shown the certificates in a folder, and a push gets to the gateway."""
    inside, outside = (ssl.create_default_context(cafile=made / f"{name}-ca.pem")
                       for name in ["internal", "clients"])
    with socket.create_connection(("127.0.0.1", 8443), 5) as plain:
        outside.wrap_socket(plain, server_hostname="clients.example.com").close()
    return push({"to": {"user": "u"}, "data": 1}, "https://localhost:8490", inside) == 202


def push(body, there="http://127.0.0.1:8090", trust=None):
    """The status of a backend's push."""
    request = urllib.request.Request(f"{there}/v1/push", json.dumps(body).encode(), {
        "Content-Type": "application/json",
        "Authorization": "Bearer " + SECRETS["api.keys"].rsplit(":", 1)[1]})
    try:
        with urllib.request.urlopen(request, timeout=10, context=trust) as response:
            return response.status
    except urllib.error.HTTPError as refused:
        return refused.code


def a_gateway_that_is_away_ends_no_pusher_api(binary):
    """It is not ready, and lives."""
    with Node(binary) as node:
        workload = named(overlay("production"), "StatefulSet", "pusher-api")
        node.start(workload)
        container = containers_of(workload)[0]
        await_probe(container, "startupProbe")
        await_probe(container, "readinessProbe", 503)
        await_probe(container, "livenessProbe")
        assert push({"to": {"user": "u"}, "data": 1, "ttl": 60}) == 202, "what is kept needs no gateway"


def metrics_that_are_asked_for_are_there(binary):
    """With the labels and the values that alerts, autoscaler and adapter name."""
    shown = Metrics(shown_by(binary, "production") + shown_by(binary, "production-tls"))
    objects = overlay("production")
    (rules,) = of_kind(objects, "PrometheusRule")
    for rule in [rule for group in rules["spec"]["groups"] for rule in group["rules"]]:
        asked = alerts.Series.of(rule["expr"])
        assert asked, rule
        for series in asked:
            is_shown(series, shown)
        known = OF_TARGETS.union(*(shown.labels.get(series.name, {}) for series in asked))
        labels = set(re.findall(r"\$labels\.(\w+)", rule["annotations"]["summary"]))
        assert labels <= known, f"{rule['alert']}: {labels - known}"
    adapter = yaml.safe_load((K8S / "components/autoscaling/prometheus-adapter.yaml").read_text())
    (served,) = adapter["rules"]
    scaler = named(objects, "HorizontalPodAutoscaler", "gateway")["spec"]
    assert served["name"]["as"] == scaler["metrics"][0]["pods"]["metric"]["name"]
    is_shown(alerts.Series.of(served["seriesQuery"])[0], shown)


def shown_by(binary, name):
    """What the gateway and the pusher-api of an overlay show after a push."""
    objects = overlay(name)
    with tempfile.TemporaryDirectory() as made, Node(binary, SECRETS | certificates(Path(made))) as node:
        containers = start(node, objects)
        trust = ssl.create_default_context(cafile=Path(made) / "internal-ca.pem")
        # What is counted by what was asked for is there from then on.
        there = "https://localhost:8490" if name in sealed() else "http://localhost:8090"
        assert push({"to": {"user": "u"}, "data": 1}, there, trust if name in sealed() else None) == 202
        return "".join(metrics_of(container) for container in containers)


def metrics_of(container):
    """Asked for where its readiness is."""
    probe = container["readinessProbe"]["httpGet"]
    status, text = ask(ports_of(container)[probe["port"]], "/metrics", probe.get("scheme", "HTTP").lower())
    assert status == 200, text
    return text


def is_shown(series, shown):
    """Whether there is such a metric with such labels; most are there with 0 from the start."""
    if series.name == "up":
        return
    known = shown.labels.get(series.name)
    assert known is not None, f"nobody shows {series.name}"
    for label, operator, value in series.matchers:
        if label not in OF_TARGETS:
            values = value.split("|") if "~" in operator else [value]
            assert set(values) <= known.get(label, set()), f"{series.name}: {label} is never {value}"


def secrets_are_replaced_without_a_restart(binary):
    """As the kubelet replaces them: by a link."""
    with Node(binary) as node:
        start(node, overlay("one-machine"))
        node.secrets.lay({name: f"{text}-anew" for name, text in SECRETS.items()})
        for port, name in [(8082, "holdfast_key_reloads_total"), (8090, "holdfast_pusher_key_reloads_total")]:
            eventually(f"{name} rises", lambda port=port, name=name: reloads(port, name, "ok") > 0)
            assert reloads(port, name, "failed") == 0
        assert push({"to": {"user": "u"}, "data": 1}) == 401, "the old key is none any more"


def reloads(port, name, result):
    """How often files were read again."""
    values = Metrics(ask(port, "/metrics")[1]).values
    return sum(value for series, value in values.items()
               if series.startswith(f"{name}{{") and f'result="{result}"' in series)


def a_gateway_that_is_told_to_end_drains(binary):
    """Not ready at once, still there for clients, and then it ends by itself."""
    with Node(binary) as node:
        objects = overlay("production")
        process = node.start(named(objects, "Deployment", "gateway"), DRAIN_WAIT="2s", DRAIN="1s")
        container = containers_of(named(objects, "Deployment", "gateway"))[0]
        await_probe(container, "readinessProbe")
        process.send_signal(signal.SIGTERM)
        await_probe(container, "readinessProbe", 503)
        for name in ["clients", "clients-tcp"]:
            socket.create_connection(("127.0.0.1", ports_of(container)[name]), 5).close()
        await_probe(container, "livenessProbe")
        assert process.wait(60) == 0


def reports_of_a_job_are_merged(binary):
    """From the logs of its pods, all in one."""
    few = {"SESSIONS": "40", "RATE": "200", "PUSH_RATE": "50", "PUSH_FOR": "1s", "HOLD": "0s"}
    with Node(binary) as node:
        start(node, overlay("stress"))
        job = named(overlay("stress"), "Job", "stress")
        log = node.folder / "stress.log"
        for index in ["0", "1"]:
            assert node.start(job, INDEX=index, **few).wait(60) == 0
        merged = node.folder / "merged.json"
        subprocess.run([binary, "stress", "merge", log, "--json", merged], check=True, capture_output=True)
        report = json.loads(merged.read_text())
        assert report["sessions"]["held_to_end"] == 80, report["sessions"]
        assert report["received"]["arrived"] == 100, report["received"]


CASES = [
    every_container_is_given_flags_that_there_are,
    each_overlay_starts_as_it_stands_there,
    with_tls_each_starts_as_it_stands_there,
    a_gateway_that_is_away_ends_no_pusher_api,
    metrics_that_are_asked_for_are_there,
    secrets_are_replaced_without_a_restart,
    a_gateway_that_is_told_to_end_drains,
    reports_of_a_job_are_merged,
]


def run(given):
    """Every case that was asked for; how many."""
    wanted = [case for case in CASES if not given.names or any(name in case.__name__ for name in given.names)]
    if not wanted:
        return 0
    if os.geteuid() != 0:
        print("not root: processes are not started")
        return 0
    if not given.binary.exists():
        raise SystemExit(f"{given.binary.relative_to(ROOT)} is missing: cargo build")
    try:
        leave()
    except OSError as refused:
        print(f"no namespaces may be made ({refused}): processes are not started")
        return 0
    for case in wanted:
        print(case.__name__, flush=True)
        case(given.binary)
    return len(wanted)
