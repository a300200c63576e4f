#!/usr/bin/env python3
"""deploy/kubernetes: every field is one of the API, what refers to each other agrees, and the pods run
(by podman: there is no cluster here)."""

import copy
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import urllib.parse

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/support"))
import private  # noqa: E402
private.enter()
import image  # noqa: E402
from cases import NotRun, expect, main  # noqa: E402
from hone import Client, Server, study, wait_until  # noqa: E402
from kubernetes_fields import document_faults  # noqa: E402

FOLDER = ROOT / "deploy/kubernetes"
HONE = os.environ["HONE"]
PROGRAMS = {"server/honed": os.environ["HONED"], "worker/hone": HONE}
SECONDS = 60  # a bound against hanging
GRACE = 5 + 30  # seconds that a job has to leave


def documents():
    """[(file, document)]"""
    return [(path.relative_to(FOLDER), document) for path in sorted(FOLDER.rglob("*.yaml"))
            for document in yaml.safe_load_all(path.read_text())]


def of_kind(kind):
    return [document for _, document in documents() if document["kind"] == kind]


def one(kind, name):
    return next(d for d in of_kind(kind) if d["metadata"]["name"] == name)


def pod_templates():
    """{what it belongs to: template}"""
    found = {}
    for path, document in documents():
        spec = document.get("spec", {})
        template = spec.get("template") or spec.get("jobTargetRef", {}).get("template")
        if template:
            found[f"{path} {document['kind']}"] = template
    return found


def the_container(template):
    return template["spec"]["containers"][0]


def test_every_field_is_one_of_the_api(tmp):
    found = [f"{path}: {fault}" for path, document in documents()
             for fault in document_faults(document)]
    expect(found, [])
    expect(len(documents()) >= 10, True, "documents")


def test_a_wrong_field_is_found(tmp):
    """That the check above can fail."""
    wrong = [
        (["spec", "template", "spec", "securityContext", "runAsNonRot"], True, "no field"),
        (["spec", "template", "spec", "containers", 0, "resources", "limits", "nvidia.com/gpu"], 1,
         "no quantity"),
        (["spec", "template", "spec", "restartPolicy"], "Sometimes", "none of"),
        (["spec", "parallelism"], "4", "no int")]
    for path, value, expected in wrong:
        document = copy.deepcopy(one("Job", "hone-workers"))
        place = document
        for key in path[:-1]:
            place = place[key]
        place[path[-1]] = value
        assert expected in "".join(document_faults(document)), path
    broken = copy.deepcopy(one("Job", "hone-workers"))
    del broken["spec"]["template"]
    expect(document_faults(broken), ["Job.spec.template is missing"])


def test_what_refers_to_each_other_agrees(tmp):
    service = one("Service", "hone")["spec"]
    server = one("Deployment", "hone-server")["spec"]
    expect(service["selector"].items() <= server["template"]["metadata"]["labels"].items(), True)
    expect(server["selector"]["matchLabels"], server["template"]["metadata"]["labels"])
    ports = {p["name"]: p["containerPort"] for p in the_container(server["template"])["ports"]}
    for port in service["ports"]:
        assert port["targetPort"] in ports, port
    container = the_container(server["template"])
    for probe in ["startupProbe", "readinessProbe", "livenessProbe"]:
        assert container[probe]["httpGet"]["port"] in ports, probe
    listen = container["command"][container["command"].index("--listen") + 1]
    expect(int(listen.split(":")[1]), ports["http"])
    claims = {d["metadata"]["name"] for d in of_kind("PersistentVolumeClaim")}
    accounts = {d["metadata"]["name"] for d in of_kind("ServiceAccount")}
    secrets = set(re.findall(r"create secret generic (\S+)", (FOLDER / "README.md").read_text()))
    for name, template in pod_templates().items():
        spec = template["spec"]
        volumes = {volume["name"]: volume for volume in spec["volumes"]}
        mounts = {mount["name"] for mount in the_container(template)["volumeMounts"]}
        expect(mounts, set(volumes), f"volumes of {name}")
        for volume in volumes.values():
            assert volume.get("persistentVolumeClaim", {}).get("claimName", "hone-data") in claims
            assert volume.get("secret", {}).get("secretName", "hone-worker") in secrets, secrets
        assert spec.get("serviceAccountName", "hone-server") in accounts
        for variable in the_container(template).get("env", []):
            if variable["name"] == "HONE_URL":
                url = urllib.parse.urlsplit(variable["value"])
                expect((url.hostname, url.port), ("hone", service["ports"][0]["port"]))


def test_the_network_policy_lets_workers_and_only_them_in(tmp):
    labels = [t["metadata"]["labels"] for t in pod_templates().values()]
    policy = one("NetworkPolicy", "hone-server")["spec"]
    for selector in [policy["podSelector"], policy["ingress"][0]["from"][0]["podSelector"]]:
        assert any(selector["matchLabels"].items() <= some.items() for some in labels), selector
    expect(policy["ingress"][0]["ports"][0]["port"],
           one("Service", "hone")["spec"]["ports"][0]["port"])
    expect(one("NetworkPolicy", "deny")["spec"], {"podSelector": {}, "policyTypes": ["Ingress"]})


def test_pods_are_hardened_and_have_time_to_hand_back(tmp):
    expect(len(pod_templates()), 3, "pod templates")
    for name, template in pod_templates().items():
        spec, container = template["spec"], the_container(template)
        expect(spec["securityContext"]["runAsNonRoot"], True, name)
        expect(spec["securityContext"]["seccompProfile"], {"type": "RuntimeDefault"}, name)
        expect(spec["automountServiceAccountToken"], False, name)
        expect(container["securityContext"], {
            "allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]}}, name)
        assert "memory" in container["resources"]["limits"], name
        if "worker" in container["command"]:
            assert spec["terminationGracePeriodSeconds"] > GRACE, name
            expect(spec["restartPolicy"], "Never", name)


def test_a_failed_pod_is_judged_by_how_it_ended(tmp):
    job = one("Job", "hone-workers")["spec"]
    expect(job["completions"], job["parallelism"])
    names = {c["name"] for c in job["template"]["spec"]["containers"]}
    rules = job["podFailurePolicy"]["rules"]
    codes = {code: rule["action"] for rule in rules if "onExitCodes" in rule
             for code in rule["onExitCodes"]["values"]}
    expect(codes, {75: "Ignore", 2: "FailJob"})
    for rule in rules:
        assert rule.get("onExitCodes", {}).get("containerName", "worker") in names


def test_the_options_of_the_commands_exist(tmp):
    said = {program: subprocess.run([*words, "--help"], capture_output=True, text=True, check=True
                                    ).stdout
            for program, words in {"hone": [HONE, "worker"], "honed": [os.environ["HONED"]]}.items()}
    for template in pod_templates().values():
        command = the_container(template)["command"]
        for word in command:
            if word.startswith("--") and word != "--":
                assert re.search(rf"{word.split('=')[0]}\b", said[command[0]]), word


def test_the_scaler_asks_for_what_the_server_has(tmp):
    (scaled,) = of_kind("ScaledJob")
    (trigger,) = scaled["spec"]["triggers"]
    url = urllib.parse.urlsplit(trigger["metadata"]["url"])
    expect((url.hostname, url.port), ("hone.hone.svc", 4663))
    (auth,) = of_kind("TriggerAuthentication")
    expect(trigger["authenticationRef"]["name"], auth["metadata"]["name"])
    with Server() as server, server.client() as client:
        client.post("/v1/studies", study("my-study", limits={"trials": 9}))
        expect(client.get(url.path).json[trigger["metadata"]["valueLocation"]], 9)
    worker = the_container(one("Job", "hone-workers")["spec"]["template"])
    scaled_worker = the_container(scaled["spec"]["jobTargetRef"]["template"])
    expect({**worker, "image": ""}, {**scaled_worker, "image": ""}, "the two forms of a worker")


def test_every_kustomization_names_files_and_images_that_are_there(_):
    found = sorted(FOLDER.rglob("kustomization.yaml"))
    assert len(found) >= 3, found
    for path in found:
        settings = yaml.safe_load(path.read_text())
        documents = []
        for name in settings.get("resources", []) + settings.get("components", []):
            assert (path.parent / name).exists(), f"{path}: {name}"
        for name in settings.get("resources", []):
            documents += yaml.safe_load_all((path.parent / name).read_text())
        used = {container["image"] for document in documents
                for container in containers_of(document)}
        for renamed in settings.get("images", []):
            assert renamed["name"] in used, f"{path}: no image {renamed['name']} in {used}"


def containers_of(document):
    """Of a workload's pods; nothing for other kinds."""
    template = document.get("spec", {}).get("template", {}) if isinstance(document.get("spec"), dict) else {}
    return template.get("spec", {}).get("containers", [])


def test_kustomize_builds_both_folders(tmp):
    if shutil.which("kubectl") is None:  # not in Debian 12; what it would read is tested above
        return
    for name in ["server", "workers", "workers+kueue"]:
        folder = tmp / name
        shutil.copytree(FOLDER / name.partition("+")[0], folder)
        if "+" in name:
            path = folder / "kustomization.yaml"
            path.write_text(path.read_text().replace("# components:", "components:").replace(
                "#   - kueue", "  - kueue"))
        built = subprocess.run(["kubectl", "kustomize", str(folder)], capture_output=True, text=True,
                               check=False)
        expect(built.returncode, 0, built.stderr)
        found = list(yaml.safe_load_all(built.stdout))
        expect([fault for document in found for fault in document_faults(document)], [], name)
        assert "image: registry.example.org/" in built.stdout, built.stdout
        expect("kueue.x-k8s.io/queue-name: user-queue" in built.stdout, "kueue" in name)


# ---- the pods, run by podman ---------------------------------------------------------------------

def pod_of(template, name, secret=None, **changes):
    """A Pod of the template; `changes` of its container. What podman 4.3 lacks is put in its place."""
    pod = {"apiVersion": "v1", "kind": "Pod",
           "metadata": {"name": name, "labels": template["metadata"]["labels"]},
           "spec": copy.deepcopy(template["spec"])}
    container = the_container(pod)
    container.update(image="localhost/hone:latest", imagePullPolicy="Never", **changes)
    container.setdefault("env", []).append({"name": "ASAN_OPTIONS", "value": "detect_leaks=0"})
    container["resources"]["limits"].pop("nvidia.com/gpu", None)  # there is none
    for probe in ["startupProbe", "readinessProbe", "livenessProbe"]:
        container.pop(probe, None)  # podman runs them by timers of systemd
    container.pop("ports", None)  # they are for networks of podman's own
    del container["resources"]["requests"]
    del container["resources"]["limits"]["memory"]
    for volume in pod["spec"]["volumes"]:
        if volume.pop("secret", None):
            volume["hostPath"] = {"path": str(secret)}
    return pod


def play(podman, tmp, *objects):
    path = tmp / f"{objects[-1]['metadata']['name']}.yaml"
    path.write_text(yaml.safe_dump_all(objects))
    podman("kube", "play", "--network=host", path)


def test_the_pods_of_server_and_worker_run(tmp):
    if image.why_not() or private.why_no_other_root():
        raise NotRun(image.why_not() or private.why_no_other_root())
    if not private.is_private():
        raise NotRun("the published port may be in use here")
    tmp.chmod(0o711)
    with image.Podman(tmp / "podman") as podman:
        podman.build(ROOT / "deploy/container/Containerfile", ROOT, PROGRAMS)
        server = one("Deployment", "hone-server")["spec"]["template"]
        play(podman, tmp, one("PersistentVolumeClaim", "hone-data"), pod_of(server, "server"))
        probe = the_container(server)["readinessProbe"]["httpGet"]["path"]
        client = Client("http://127.0.0.1:4663")

        def ready():
            try:
                return client.get(probe).status == 200
            except OSError:
                return False
        wait_until(ready, SECONDS, podman.logs("server-honed"))
        client.token = podman("exec", "server-honed", "cat", "/data/hone/admin.token")
        token = podman("exec", "server-honed", "cat", "/data/hone/worker.token")
        expect(client.post("/v1/studies", study("my-study", limits={"trials": 4})).status, 201)
        secret = tmp / "secret"
        secret.mkdir()
        (secret / "worker.token").write_text(token)
        worker = one("Job", "hone-workers")["spec"]["template"]
        url = [{"name": "HONE_URL", "value": "http://127.0.0.1:4663"},
               *the_container(worker)["env"][1:]]
        play(podman, tmp, pod_of(worker, "worker", secret, env=url, args=[
            "sh", "-c", "touch /tmp/x; echo hone: loss=$1", "job", "{x}"]))
        expect(podman("wait", "worker-worker"), "0", podman.logs("worker-worker"))
        found = client.get("/v1/studies/my-study").json
        expect((found["state"], found["counts"]["completed"]), ("finished", 4))
        client.close()
        podman("pod", "stop", "-t", "30", "server")
        facts = json.loads(podman("inspect", "server-honed"))[0]
        expect(facts["State"]["ExitCode"], 0)
        expect(facts["HostConfig"]["ReadonlyRootfs"], True)


if __name__ == "__main__":
    main(globals())
