"""Cases about pods: what they may do, how they end, what they get, how many there are."""

import re

from tests.k8s.rendering import (
    OVERLAYS,
    arguments,
    containers_of,
    everything,
    flag,
    named,
    of_kind,
    overlay,
    pod_of,
    quantity,
    sealed,
    seconds,
    with_component,
    workloads,
)
from tests.python_tools import ROOT

# Safe since Kubernetes 1.29 or before (pkg/kubelet/sysctl/safe_sysctls.go); tcp_rmem and tcp_wmem, since
# 1.32, are not used.
SAFE_SYSCTLS = {
    "kernel.shm_rmid_forced", "net.ipv4.ip_local_port_range", "net.ipv4.tcp_syncookies",
    "net.ipv4.ping_group_range", "net.ipv4.ip_unprivileged_port_start", "net.ipv4.ip_local_reserved_ports",
    "net.ipv4.tcp_keepalive_time", "net.ipv4.tcp_fin_timeout", "net.ipv4.tcp_keepalive_intvl",
    "net.ipv4.tcp_keepalive_probes",
}
# What containerd 2 gives a container if nobody says otherwise (the hard limit).
NOFILE = 524_288
CLOSE_TIMEOUT = 5


def cost(name):
    """A constant of what a session costs, as `holdfast doctor` reckons with it."""
    text = (ROOT / "limits/src/cost.rs").read_text()
    return int(re.search(rf"const {name}: u64 = ([\d_]+);", text)[1].replace("_", ""))


def gateways():
    """The gateways' Deployment of each overlay that has one, with its container."""
    for name, objects in everything().items():
        if name != "node-limits":
            workload = named(objects, "Deployment", "gateway")
            yield name, workload, containers_of(workload)[0]


def pods_are_as_restricted_as_their_namespaces_ask_for():
    """Pod Security's `restricted`, and a root that cannot be written to."""
    for name, objects in everything().items():
        namespace = of_kind(objects, "Namespace")[0]["metadata"]
        placed = {each["metadata"].get("namespace") for each in objects if each["metadata"] is not namespace}
        assert placed == {namespace["name"]}
        level = namespace["labels"]["pod-security.kubernetes.io/enforce"]
        assert (level == "restricted") == (name != "node-limits")
        for workload in workloads(objects):
            pod = pod_of(workload)
            assert pod["automountServiceAccountToken"] is False and pod["enableServiceLinks"] is False
            if level == "restricted":
                is_restricted(pod)


def is_restricted(pod):
    """Everything that `restricted` asks for, and more."""
    context = pod["securityContext"]
    assert context["runAsNonRoot"] and context["runAsUser"] == 65532 == context["fsGroup"]
    assert context["seccompProfile"] == {"type": "RuntimeDefault"}
    assert {each["name"] for each in context.get("sysctls", [])} <= SAFE_SYSCTLS
    assert not {"hostNetwork", "hostPID", "hostIPC"} & set(pod)
    assert all(set(volume) - {"name"} <= {"projected", "emptyDir"} for volume in pod.get("volumes", []))
    wanted = {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True,
              "capabilities": {"drop": ["ALL"]}}
    for container in [*pod["containers"], *pod.get("initContainers", [])]:
        assert container["securityContext"] == wanted


def unsafe_sysctls_are_a_component_of_their_own():
    """And where it is used, the namespace says so."""
    objects = with_component("production", "unsafe-sysctls")
    sysctls = pod_of(named(objects, "Deployment", "gateway"))["securityContext"]["sysctls"]
    assert {each["name"] for each in sysctls} - SAFE_SYSCTLS == {
        "net.core.somaxconn", "net.ipv4.tcp_max_tw_buckets"}
    labels = of_kind(objects, "Namespace")[0]["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "privileged"


def a_drain_has_the_time_it_takes():
    """And the next one begins after it."""
    for name, workload, container in gateways():
        wait, drain = (seconds(flag(container, each)) for each in ["drain-wait", "drain"])
        spec, pod = workload["spec"], pod_of(workload)
        assert pod["terminationGracePeriodSeconds"] >= wait + drain + CLOSE_TIMEOUT + 15, name
        assert spec["minReadySeconds"] >= wait + drain, name
        assert spec["progressDeadlineSeconds"] >= 2 * spec["minReadySeconds"], name
        assert spec["strategy"]["rollingUpdate"] == {"maxSurge": 1, "maxUnavailable": 0}, name
        ready = container["readinessProbe"]
        assert ready["periodSeconds"] * ready["failureThreshold"] <= wait, name
    for objects in everything().values():
        for workload in workloads(objects, "Deployment", "StatefulSet"):
            container = containers_of(workload)[0]
            if container["args"][0] == "pusher-api":
                # A body that stands still for 30 s is the last to end; then 5 s for gateways.
                grace = pod_of(workload)["terminationGracePeriodSeconds"]
                assert grace >= seconds(flag(container, "drain-wait")) + 30 + 5


def probes_kill_nobody_for_being_slow():
    """Liveness asks only whether the process lives, and for long."""
    for objects in everything().values():
        for workload in workloads(objects, "Deployment", "StatefulSet"):
            container = containers_of(workload)[0]
            live, start, ready = (container[f"{each}Probe"] for each in ["liveness", "startup", "readiness"])
            assert live["httpGet"]["path"] == start["httpGet"]["path"] == "/healthz"
            assert ready["httpGet"]["path"] == "/readyz"
            assert live["periodSeconds"] * live["failureThreshold"] >= 120
            assert start["periodSeconds"] * start["failureThreshold"] >= 120


def no_session_of_production_stays_for_ever():
    """And those that come back by their age are few beside those that may come."""
    container = containers_of(named(overlay("production"), "Deployment", "gateway"))[0]
    age, sessions = seconds(flag(container, "max-session-age")), int(flag(container, "max-sessions"))
    assert sessions / (age * 3 / 4) * 100 <= int(flag(container, "handshake-rate"))


def tls_is_spoken_wherever_somebody_comes_in():
    """Ports that others reach are those of TLS, and the kubelet asks there."""
    for objects in sealed().values():
        for workload in workloads(objects, "Deployment", "StatefulSet"):
            container = containers_of(workload)[0]
            plain = {text for text in arguments(container) if re.match("--listen(-tcp)?=", text)}
            assert plain and all("=127.0.0.1:" in text for text in plain), plain
            probes = [container[f"{each}Probe"]["httpGet"] for each in ["liveness", "startup", "readiness"]]
            assert all(each["scheme"] == "HTTPS" for each in probes), workload["metadata"]["name"]


def memory_and_descriptors_are_enough_for_the_sessions():
    """By what a session was measured to cost; memory is not shared with anybody."""
    for name, _, container in gateways():
        each = cost("KERNEL_BYTES") + cost("GATEWAY_BYTES") + cost("TLS_BYTES") * (name in sealed())
        sessions, resources = int(flag(container, "max-sessions")), container["resources"]
        limit = quantity(resources["limits"]["memory"])
        assert resources["requests"]["memory"] == resources["limits"]["memory"], name
        assert "cpu" in resources["requests"] and "cpu" not in resources["limits"], name
        # 3/8 is for what clients make it hold, 64 MiB are kept free, 8 MiB are for handshakes.
        assert sessions * each <= limit * 5 / 8 - (72 << 20), f"{name}: {limit} for {sessions}"
        assert sessions * 32 / 31 + 8_192 + 768 < NOFILE, name
    for workload in workloads(overlay("stress"), "Job"):
        container = containers_of(workload)[0]
        costs = int(flag(container, "sessions")) * (cost("KERNEL_BYTES") + cost("CLIENT_BYTES"))
        assert costs <= quantity(container["resources"]["limits"]["memory"]) / 2


def gateways_follow_their_sessions_slowly_downwards():
    """With room for the sessions of one that goes."""
    objects = overlay("production")
    scaler = named(objects, "HorizontalPodAutoscaler", "gateway")["spec"]
    workload = named(objects, scaler["scaleTargetRef"]["kind"], scaler["scaleTargetRef"]["name"])
    assert "replicas" not in workload["spec"], "an apply would set it back"
    (metric,) = scaler["metrics"]
    target = int(metric["pods"]["target"]["averageValue"])
    least, most = scaler["minReplicas"], int(flag(containers_of(workload)[0], "max-sessions"))
    assert target * least <= most * (least - 1)
    down = scaler["behavior"]["scaleDown"]
    assert down["stabilizationWindowSeconds"] == 3600
    assert down["policies"] == [{"type": "Pods", "value": 1, "periodSeconds": 1800}]
    wait = workload["spec"]["minReadySeconds"]
    assert wait < 1800, "a drain is over when the next may begin"


def one_pusher_api_has_the_store():
    """And those that may be many have none."""
    for name, objects in everything().items():
        with_store = []
        for workload in workloads(objects):
            container = containers_of(workload)[0]
            if flag(container, "data"):
                with_store.append(workload)
            elif container["args"][0] == "pusher-api":
                scaler = named(objects, "HorizontalPodAutoscaler", workload["metadata"]["name"])["spec"]
                assert scaler["scaleTargetRef"]["kind"] == workload["kind"] == "Deployment"
                assert scaler["maxReplicas"] + 1 < 64, "--max-links"
        if name == "node-limits":
            continue
        (workload,) = with_store
        assert (workload["kind"], workload["spec"]["replicas"]) == ("StatefulSet", 1)
        (claim,) = workload["spec"]["volumeClaimTemplates"]
        mounts = {each["mountPath"]: each["name"] for each in containers_of(workload)[0]["volumeMounts"]}
        assert mounts[flag(containers_of(workload)[0], "data")] == claim["metadata"]["name"]


def node_limits_are_nobody_elses():
    """Only who asks for it has it, in a namespace of its own, on nodes that are labelled."""
    for name in set(OVERLAYS) - {"node-limits"}:
        assert not of_kind(overlay(name), "DaemonSet")
    (workload,) = of_kind(overlay("node-limits"), "DaemonSet")
    pod = pod_of(workload)
    assert pod["nodeSelector"] == {"holdfast/gateway": "true"} and pod["hostNetwork"] and pod["hostPID"]
    doctor, pause = pod["initContainers"] + pod["containers"]
    assert doctor["securityContext"]["privileged"] and "privileged" not in pause["securityContext"]
    assert int(flag(doctor, "sessions")) == int(flag(list(gateways())[1][2], "max-sessions"))
    assert "limits" not in doctor["resources"]
