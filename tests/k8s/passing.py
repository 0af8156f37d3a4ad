"""What NetworkPolicies let through, judged as the API documents it."""

from tests.k8s.rendering import is_chosen, of_kind

PROMETHEUS = ("monitoring", {"app.kubernetes.io/name": "prometheus"})
DNS = ("kube-system", {"k8s-app": "kube-dns"})
OUTSIDE = (None, {})


class Network:
    """The pods of an overlay, and who may talk to whom."""

    def __init__(self, objects, namespace, labels_of_namespaces):
        self.policies = [each["spec"] for each in of_kind(objects, "NetworkPolicy")]
        self.namespace = namespace
        self.labels_of_namespaces = labels_of_namespaces
        self.workloads = of_kind(objects, "Deployment", "StatefulSet", "Job")

    def pod(self, name):
        """A pod of the workload with this name."""
        workload = next(each for each in self.workloads if each["metadata"]["name"] == name)
        return self.namespace, workload["spec"]["template"]["metadata"]["labels"]

    def passes(self, source, destination, port):
        """Whether a connection is let through at both of its ends."""
        return self.allows("Egress", "egress", "to", source, destination, port) \
            and self.allows("Ingress", "ingress", "from", destination, source, port)

    def allows(self, kind, rules, peers, subject, other, port):
        """Whether the policies of one end let it through; an end without any lets everything."""
        namespace, labels = subject
        if namespace != self.namespace:
            return True
        mine = [each for each in self.policies
                if kind in each["policyTypes"] and is_chosen(labels, each["podSelector"])]
        if not mine:
            return True
        return any(self.is_port(rule, port) and self.is_peer(rule.get(peers), other)
                   for policy in mine for rule in policy.get(rules, []))

    @staticmethod
    def is_port(rule, port):
        """Whether a rule is about this port."""
        return "ports" not in rule or port in [each["port"] for each in rule["ports"]]

    def is_peer(self, peers, other):
        """Whether a rule is about who is at the other end."""
        return peers is None or any(self.matches(peer, other) for peer in peers)

    def matches(self, peer, other):
        """Whether one peer of a rule is it."""
        namespace, labels = other
        if namespace is None:
            return "ipBlock" in peer
        if "namespaceSelector" in peer:
            known = self.labels_of_namespaces.get(namespace, {}) | {"kubernetes.io/metadata.name": namespace}
            if not is_chosen(known, peer["namespaceSelector"]):
                return False
        elif namespace != self.namespace:
            return False
        return is_chosen(labels, peer.get("podSelector", {}))
