"""Cases about what belongs together: schemas, names, labels, ports, ways through the network, alerts."""

import re

from tests.k8s import alerts, schemas
from tests.k8s.passing import DNS, OUTSIDE, PROMETHEUS, Network
from tests.k8s.rendering import (
    arguments,
    containers_of,
    everything,
    flag,
    is_chosen,
    named,
    of_kind,
    overlay,
    pod_of,
    ports_of,
    sealed,
    with_component,
    workloads,
)


def every_overlay_is_what_the_schemas_say():
    """For each version, nothing unknown left in; also with the component that no overlay has."""
    for name, objects in everything().items():
        assert not (found := schemas.faults(objects)), f"{name}: {found}"
    assert not schemas.faults(with_component("production", "unsafe-sysctls"))
    wrong = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "x"}, "spec": {"port": 1}}
    assert len(schemas.faults([wrong])) == len(schemas.VERSIONS), "these schemas find nothing"


def what_is_chosen_by_labels_and_names_is_there():
    """Services, budgets, policies, monitors, secrets, ports."""
    for name, objects in everything().items():
        pods = [(each["spec"]["template"]["metadata"]["labels"], each) for each in workloads(objects)]
        for each in of_kind(objects, "Service", "PodDisruptionBudget", "NetworkPolicy"):
            spec = each["spec"]
            selector = spec.get("selector") or spec.get("podSelector")
            found = [workload for labels, workload in pods if is_chosen(labels, selector)]
            assert found, f"{name}: {each['kind']} {each['metadata']['name']} chooses nobody"
            for port in spec.get("ports", []):
                assert all(port["targetPort"] in ports_of(containers_of(one)[0]) for one in found), port
        for each in workloads(objects):
            spec = each["spec"]
            assert is_chosen(spec["template"]["metadata"]["labels"], spec.get("selector", {})), name
            for container in containers_of(each):
                of_a_container(each, container)


def of_a_container(workload, container):
    """Its files are among its secrets, its image has a version, its probes go to ports that it has."""
    assert ":" in container["image"] and "latest" not in container["image"], container["image"]
    volumes = {each["name"]: each for each in pod_of(workload).get("volumes", [])}
    files = set()
    for mount in container.get("volumeMounts", []):
        assert "subPath" not in mount, "would not change with its Secret"
        for source in volumes.get(mount["name"], {}).get("projected", {}).get("sources", []):
            files |= {f"{mount['mountPath']}/{each['path']}" for each in source["secret"]["items"]}
    text = " ".join(arguments(container)) if "args" in container else ""
    given = re.findall(r"-(?:file|cert|key|ca)=(\S+)", text)
    assert set(given) == files, f"{workload['metadata']['name']}: {given} of {files}"
    for probe in ["livenessProbe", "readinessProbe", "startupProbe"]:
        if probe in container:
            assert container[probe]["httpGet"]["port"] in ports_of(container)


def links_go_to_every_gateway_ready_or_not():
    """By a name that stands for all of them."""
    for name, objects in everything().items():
        for workload in workloads(objects):
            if url := flag(containers_of(workload)[0], "gateway"):
                scheme, host, port = re.fullmatch(r"(https?)://([a-z-]+):(\d+)", url).groups()
                assert (scheme == "https") == (name in sealed())
                service = named(objects, "Service", host)["spec"]
                assert service["clusterIP"] == "None" and service["publishNotReadyAddresses"] is True
                assert service["ports"][0]["port"] == int(port) == 8082


def only_what_must_pass_passes():
    """Clients, links, metrics, backends, names, and nothing else."""
    only_these_pass(overlay("production"), [8080, 8081], 8090)
    only_these_pass(overlay("production-tls"), [8443, 8444], 8490)


def only_these_pass(objects, of_clients, of_backends):
    """Where clients and backends come in at these ports."""
    labels = {"shop": {"holdfast/backends": "true"}, "other": {}}
    network = Network(objects, "holdfast", labels)
    ours = {name: network.pod(name) for name in ["gateway", "pusher-api", "pusher-api-live"]}
    ours["stranger"] = ("holdfast", {"app.kubernetes.io/name": "stranger"})
    others = {"outside": OUTSIDE, "shop": ("shop", {}), "other": ("other", {}), "prometheus": PROMETHEUS,
              "dns": DNS}
    everybody = ours | others
    # Whoever else is in the cluster is a client like any other.
    may = {(name, "gateway", port) for name in others for port in of_clients}
    may.add(("prometheus", "gateway", 8082))
    for api in ["pusher-api", "pusher-api-live"]:
        may |= {(api, "gateway", 8082), (api, "dns", 53)}
        may |= {(name, api, of_backends) for name in ["shop", "prometheus"]}
    passing = {(source, destination, port) for source in everybody for destination in everybody
               for port in [53, 80, 443, 8080, 8081, 8082, 8090, 8443, 8444, 8490]
               if source != destination and (source in ours or destination in ours)
               and network.passes(everybody[source], everybody[destination], port)}
    assert passing == may, passing ^ may


def stress_reaches_what_it_measures():
    """And has ports and places enough; nobody's users are another's."""
    objects = overlay("stress")
    network = Network(objects, "holdfast-stress", {})
    stress, gateway, store = map(network.pod, ["stress", "gateway", "pusher-api"])
    assert network.passes(stress, gateway, 8080) and network.passes(stress, store, 8090)
    assert network.passes(stress, DNS, 53) and not network.passes(stress, gateway, 8082)
    job = named(objects, "Job", "stress")
    spec, container = job["spec"], containers_of(job)[0]
    assert spec["completionMode"] == "Indexed" and spec["parallelism"] == spec["completions"] > 1
    assert spec["backoffLimitPerIndex"] == 0 and pod_of(job)["restartPolicy"] == "Never"
    (ports,) = [each["value"] for each in pod_of(job)["securityContext"]["sysctls"]]
    first, last = map(int, ports.split())
    sessions = int(flag(container, "sessions"))
    assert sessions <= 50_000 <= last - first
    prefixes = {tuple(arguments(container, INDEX=str(index))) for index in range(spec["completions"])}
    assert len(prefixes) == spec["completions"]
    deployment = named(objects, "Deployment", "gateway")
    places = deployment["spec"]["replicas"] * int(flag(containers_of(deployment)[0], "max-sessions"))
    assert spec["completions"] * sessions * 1.2 <= places


def alerts_are_those_of_the_lab():
    """With a place to read on for each; promtool can read them, and they fire when they shall."""
    (rules,) = of_kind(overlay("production"), "PrometheusRule")
    assert rules["spec"] == alerts.wanted()["spec"], "make them again: tests/k8s/run --write-alerts"
    names = [rule["alert"] for group in rules["spec"]["groups"] for rule in group["rules"]]
    anchors = {alerts.anchor(name) for name in names}
    found = alerts.headings()
    assert anchors <= set(found), f"docs/alerts.md has nothing on {anchors - set(found)}"
    old = [heading for heading in found.values() if heading.startswith("Holdfast") and heading not in names]
    assert not old, f"docs/alerts.md speaks of {old}, which are no alerts"
    faults = alerts.faults(rules["spec"])
    if faults is None:
        print("  promtool is missing (Debian: prometheus): what the rules say is left out")
    assert not faults, faults


def what_is_monitored_is_called_as_alerts_call_it():
    """The jobs, and the ports behind the monitors."""
    for name in ["production", "production-tls"]:
        objects = overlay(name)
        jobs_are_those_of_alerts(objects)
        schemes = {each["spec"]["endpoints"][0].get("scheme") for each in of_kind(objects, "ServiceMonitor")}
        assert schemes == ({"https"} if name in sealed() else {None})


def jobs_are_those_of_alerts(objects):
    """And whoever is monitored has the port."""
    jobs = set()
    for each in of_kind(objects, "ServiceMonitor"):
        spec = each["spec"]
        found = [one for one in of_kind(objects, "Service")
                 if is_chosen(one["metadata"]["labels"], spec["selector"])]
        assert found, each["metadata"]["name"]
        jobs |= {one["metadata"]["labels"][spec["jobLabel"]] for one in found}
        for one in found:
            assert spec["endpoints"][0]["port"] in [port["name"] for port in one["spec"]["ports"]]
    (rules,) = of_kind(objects, "PrometheusRule")
    text = str(rules)
    asked = {job for matched in re.findall(r'job=~?"([^"]+)"', text) for job in matched.split("|")}
    assert jobs == asked, (jobs, asked)
