"""The manifests against the schemas of several versions of Kubernetes."""

import kubernetes_validate

# From the oldest whose kubelets take every setting here as safe to the newest that is known.
VERSIONS = ["1.29", "1.31", "1.33", "1.35", "1.37"]
# Custom resources are in no version's schemas; other cases look at them.
CUSTOM = {"ServiceMonitor", "PrometheusRule"}


def faults(objects):
    """What is wrong with which object for which version."""
    found = []
    for each in objects:
        if each["kind"] in CUSTOM:
            continue
        for version in VERSIONS:
            try:
                kubernetes_validate.validate(each, version, strict=True)
            except Exception as error:
                # What follows is the schema itself.
                first = str(error).splitlines()[0]
                found.append(f"{version}: {each['kind']} {each['metadata']['name']}: {first}")
    return found
