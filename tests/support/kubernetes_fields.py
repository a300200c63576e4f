"""The fields of Kubernetes' objects that deploy/kubernetes uses, as its API (1.30) has them.

A type is a Python type, a set of the texts that are allowed, [T] for a list, {"*": T} for a map with any
keys, QUANTITY or PORT, or {"field": T, …} for an object in which no other field may stand; a field
whose name ends in "!" must be there. It covers what is used, so a new field is added here, from the
reference of the API, when a file first needs it.
"""

import re


class Quantity:
    pattern = re.compile(r"\d+(\.\d+)?(m|k|Ki|Mi|M|Gi|G|Ti|T)?$")


class Port:
    pattern = re.compile(r"[a-z]([a-z0-9-]{0,13}[a-z0-9])?$")


NAME = re.compile(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$")
TEXTS = {"*": str}
SELECTOR = {"matchLabels": TEXTS}
METADATA = {"name!": str, "namespace": str, "labels": TEXTS, "annotations": TEXTS}
PROBE = {"httpGet": {"path!": str, "port!": Port, "scheme": {"HTTP", "HTTPS"}},
         "periodSeconds": int, "timeoutSeconds": int, "failureThreshold": int,
         "initialDelaySeconds": int, "successThreshold": int}
CONTAINER = {
    "name!": str, "image!": str, "imagePullPolicy": {"Always", "IfNotPresent", "Never"},
    "command": [str], "args": [str], "workingDir": str,
    "env": [{"name!": str, "value": str,
             "valueFrom": {"secretKeyRef": {"name!": str, "key!": str},
                           "fieldRef": {"fieldPath!": str}}}],
    "ports": [{"name": Port, "containerPort!": int, "protocol": {"TCP", "UDP"}}],
    "startupProbe": PROBE, "readinessProbe": PROBE, "livenessProbe": PROBE,
    "resources": {"requests": {"*": Quantity}, "limits": {"*": Quantity}},
    "securityContext": {"allowPrivilegeEscalation": bool, "readOnlyRootFilesystem": bool,
                        "runAsNonRoot": bool, "runAsUser": int,
                        "capabilities": {"drop": [str], "add": [str]}},
    "volumeMounts": [{"name!": str, "mountPath!": str, "readOnly": bool, "subPath": str}]}
POD = {
    "containers!": [CONTAINER], "restartPolicy": {"Always", "OnFailure", "Never"},
    "serviceAccountName": str, "automountServiceAccountToken": bool,
    "terminationGracePeriodSeconds": int, "nodeSelector": TEXTS, "priorityClassName": str,
    "securityContext": {"runAsNonRoot": bool, "runAsUser": int, "runAsGroup": int, "fsGroup": int,
                        "seccompProfile": {"type!": {"RuntimeDefault", "Unconfined"}}},
    "volumes": [{"name!": str, "emptyDir": {"medium": str, "sizeLimit": Quantity},
                 "persistentVolumeClaim": {"claimName!": str, "readOnly": bool},
                 "secret": {"secretName!": str, "defaultMode": int,
                            "items": [{"key!": str, "path!": str}]}}]}
TEMPLATE = {"metadata": {"labels": TEXTS, "annotations": TEXTS}, "spec!": POD}
JOB = {
    "completionMode": {"Indexed", "NonIndexed"}, "completions": int, "parallelism": int,
    "backoffLimit": int, "ttlSecondsAfterFinished": int, "activeDeadlineSeconds": int,
    "suspend": bool, "template!": TEMPLATE,
    "podFailurePolicy": {"rules!": [{
        "action!": {"Ignore", "FailJob", "Count", "FailIndex"},
        "onPodConditions": [{"type!": str, "status": {"True", "False"}}],
        "onExitCodes": {"containerName": str, "operator!": {"In", "NotIn"}, "values!": [int]}}]}}
PEER = {"podSelector": SELECTOR, "namespaceSelector": SELECTOR}
POLICY_PORT = {"protocol": {"TCP", "UDP"}, "port": Port}

OBJECTS = {
    ("v1", "Namespace"): {},
    ("v1", "ServiceAccount"): {"automountServiceAccountToken": bool},
    ("v1", "PersistentVolumeClaim"): {"spec!": {
        "accessModes!": [{"ReadWriteOnce", "ReadWriteOncePod", "ReadWriteMany", "ReadOnlyMany"}],
        "storageClassName": str, "resources!": {"requests!": {"*": Quantity}}}},
    ("v1", "Service"): {"spec!": {
        "selector!": TEXTS, "type": {"ClusterIP", "NodePort", "LoadBalancer"},
        "ports!": [{"name": Port, "port!": int, "targetPort": Port, "protocol": {"TCP", "UDP"}}]}},
    ("apps/v1", "Deployment"): {"spec!": {
        "replicas": int, "selector!": SELECTOR, "template!": TEMPLATE,
        "strategy": {"type": {"Recreate", "RollingUpdate"}}}},
    ("batch/v1", "Job"): {"spec!": JOB},
    ("networking.k8s.io/v1", "NetworkPolicy"): {"spec!": {
        "podSelector!": SELECTOR, "policyTypes": [{"Ingress", "Egress"}],
        "ingress": [{"from": [PEER], "ports": [POLICY_PORT]}],
        "egress": [{"to": [PEER], "ports": [POLICY_PORT]}]}},
    ("kustomize.config.k8s.io/v1beta1", "Kustomization"): {
        "namespace": str, "resources": [str], "components": [str],
        "images": [{"name!": str, "newName": str, "newTag": str}]},
    ("kustomize.config.k8s.io/v1alpha1", "Component"): {
        "patches": [{"target": {"kind": str, "name": str}, "patch!": str}]},
    # KEDA 2
    ("keda.sh/v1alpha1", "TriggerAuthentication"): {"spec!": {
        "secretTargetRef": [{"parameter!": str, "name!": str, "key!": str}]}},
    ("keda.sh/v1alpha1", "ScaledJob"): {"spec!": {
        "jobTargetRef!": JOB, "pollingInterval": int, "maxReplicaCount": int,
        "successfulJobsHistoryLimit": int, "failedJobsHistoryLimit": int,
        "scalingStrategy": {"strategy": {"default", "custom", "accurate", "eager"}},
        "triggers!": [{"type!": str, "metadata!": TEXTS, "authenticationRef": {"name!": str}}]}},
}
WITHOUT_NAME = {"Kustomization", "Component"}


def faults(value, wanted, where):
    """What is wrong with the value, a sentence each."""
    if isinstance(wanted, set):
        return [] if value in wanted else [f"{where}: {value!r} is none of {sorted(wanted)}"]
    if isinstance(wanted, list):
        if not isinstance(value, list):
            return [f"{where}: {value!r} is no list"]
        return [fault for i, item in enumerate(value)
                for fault in faults(item, wanted[0], f"{where}[{i}]")]
    if wanted is Port and isinstance(value, int):
        return [] if 0 < value < 65536 else [f"{where}: {value} is no port"]
    if wanted in (Quantity, Port):
        fits = isinstance(value, str) and wanted.pattern.match(value)
        return [] if fits else [f"{where}: {value!r} is no {wanted.__name__.lower()}"]
    if isinstance(wanted, dict):
        return object_faults(value, wanted, where)
    fits = isinstance(value, wanted) and not (wanted is int and isinstance(value, bool))
    return [] if fits else [f"{where}: {value!r} is no {wanted.__name__}"]


def object_faults(value, wanted, where):
    if not isinstance(value, dict):
        return [f"{where}: {value!r} is no object"]
    if "*" in wanted:
        return [fault for key, item in value.items()
                for fault in faults(item, wanted["*"], f"{where}.{key}")]
    fields = {name.rstrip("!"): kind for name, kind in wanted.items()}
    found = [f"{where}.{name[:-1]} is missing" for name in wanted
             if name.endswith("!") and name[:-1] not in value]
    for key, item in value.items():
        found += faults(item, fields[key], f"{where}.{key}") if key in fields else \
            [f"{where}: there is no field {key!r}"]
    return found


def document_faults(document):
    """What is wrong with one document of YAML."""
    kind = (document.get("apiVersion"), document.get("kind"))
    if kind not in OBJECTS:
        return [f"{kind} is not known here"]
    wanted = {"apiVersion!": str, "kind!": str, **OBJECTS[kind]}
    if kind[1] not in WITHOUT_NAME:
        wanted["metadata!"] = METADATA
        name = document.get("metadata", {}).get("name", "")
        if not NAME.match(name):
            return [f"{kind[1]}: {name!r} is no name"]
    return faults(document, wanted, kind[1])
