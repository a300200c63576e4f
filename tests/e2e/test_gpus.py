#!/usr/bin/env python3
"""The GPUs of a worker: found, given to trials, looked at before each ask; with vendors' tools that
print what each test wants."""

import contextlib
import os
import pathlib
import re
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from cases import expect, main, NotRun, script  # noqa: E402
from fake_gpus import FakeGpus  # noqa: E402
from hone import Server, study, wait_until  # noqa: E402
from lease_server import LeaseServer  # noqa: E402

HONE = os.environ["HONE"]
A, B, C, D = (f"GPU-{name * 8}-0000" for name in "abcd")
SECONDS = 60


def waits_for(server, fact, what):
    try:
        server.wait_for(fact, SECONDS)
    except AssertionError as never:
        raise AssertionError(f"{what}: {never}") from None


def stop(worker):
    worker.terminate()
    said, _ = worker.communicate(timeout=SECONDS)
    return said


# ---- what a job sees ----

VARIABLES = ["CUDA_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES", "HIP_VISIBLE_DEVICES", "HONE_GPUS",
             "CUDA_DEVICE_ORDER"]
CUDA, ROCR, HIP, COUNT, ORDER = VARIABLES

SEEN = {  # tools, options, inherited variables → what the job finds
    "bare": ([], [], {}, {}),
    "nvidia": (["nvidia"], [], {}, {CUDA: A, COUNT: "1"}),
    "amd": (["amd"], [], {}, {ROCR: "GPU-9246a1", COUNT: "1"}),
    "inherited indexes": (["nvidia"], [], {CUDA: "1,0"}, {CUDA: "1", COUNT: "1"}),
    "inherited part": ([], [], {CUDA: "MIG-c6d4"}, {CUDA: "MIG-c6d4", COUNT: "1"}),
    "inherited nothing": (["nvidia"], [], {CUDA: ""}, {CUDA: ""}),
    "inherited of AMD": ([], [], {ROCR: "5", HIP: "0"}, {ROCR: "5", COUNT: "1"}),
    "both, as Slurm sets them": (["nvidia"], [], {CUDA: "0", ROCR: "0"}, {CUDA: "0", COUNT: "1"}),
    "slots alone": (["nvidia"], ["--slots", "1"], {CUDA: "7"}, {CUDA: "7"}),
    "none": (["nvidia"], ["--gpus", "none"], {}, {}),
    "none, hidden": (["nvidia"], ["--gpus", "none", "--hide-gpus"], {ROCR: "1"}, {CUDA: ""}),
    "said": (["nvidia"], ["--gpus", "1"], {CUDA: "0", ORDER: "FASTEST_FIRST"},
             {CUDA: "1", COUNT: "1", ORDER: "PCI_BUS_ID"}),
    "all": (["nvidia"], ["--gpus", "all", "--slots", "1"], {}, {CUDA: A, COUNT: "1"}),
    "divided": (["parts"], [], {}, {CUDA: "MIG-c6d4", COUNT: "1"}),
}


def test_a_job_sees_its_own_gpu_through_one_variable(tmp):
    job = script(tmp, "env >\"$1\"; echo hone: accuracy=1\n")
    plain = {name: "" for name in VARIABLES}
    for case, (kinds, options, inherited, wanted) in SEEN.items():
        tools = FakeGpus(tmp / case / "bin")
        if "nvidia" in kinds:
            tools.nvidia([A, B])
        if "parts" in kinds:
            tools.nvidia([A, B], {A: ["MIG-c6d4", "MIG-d7e5"]})
        if "amd" in kinds:
            tools.amd(["9246a1"])
        with LeaseServer() as server:
            for name in plain:
                os.environ.pop(name, None)
            server.grants()
            server.work(tmp / case, job, str(tmp / case / "environment"), options=options,
                        **tools.environment, **inherited)
        found = dict(line.split("=", 1) for line in
                     (tmp / case / "environment").read_text().splitlines() if "=" in line)
        expect({name: found[name] for name in VARIABLES if name in found}, wanted, case)


def test_cpus_are_told_and_threads_only_if_asked(tmp):
    job = script(tmp, "env >\"$1\"; echo hone: accuracy=1\n")
    share = max(1, len(os.sched_getaffinity(0)) // 2)
    os.environ.pop("OMP_NUM_THREADS", None)
    for options, threads in ([], None), (["--threads-per-slot", "3"], "3"):
        with LeaseServer() as server:
            server.grants()
            server.work(tmp, job, str(tmp / "environment"), options=["--slots", "2", *options])
        found = dict(line.split("=", 1) for line in
                     (tmp / "environment").read_text().splitlines() if "=" in line)
        expect((found.get("HONE_CPUS"), found.get("OMP_NUM_THREADS")), (str(share), threads))


TOGETHER = """
echo "${CUDA_VISIBLE_DEVICES}" >>%(tmp)s/devices
while [ "$(wc -l <%(tmp)s/devices)" -lt %(n)d ]; do sleep 0.01; done
echo hone: accuracy=1
"""


def test_two_trials_never_share_a_gpu_unless_said(tmp):
    for places in 1, 2:
        here = tmp / str(places)
        tools = FakeGpus(here / "bin")
        tools.nvidia([A, B])
        job = script(here, TOGETHER % {"tmp": here, "n": 2 * places})
        with LeaseServer() as server:
            for _ in range(2 * places):
                server.grants()
            server.work(here, job, options=["--slots-per-gpu", str(places)], **tools.environment)
            expect(sorted((here / "devices").read_text().split()), sorted([A, B] * places))
            offered = server.asks[0]["gpus"]
            expect(offered, [{"model": "NVIDIA H200", "memory_mib": 81559 // places}] * 2)
            usage = server.results[0][1]["usage"]
            expect(usage["gpu_seconds"], usage["wall_seconds"])


def test_a_trial_gets_as_many_gpus_as_its_study_requires(tmp):
    tools = FakeGpus(tmp / "bin")
    tools.nvidia([A, B, C])
    job = script(tmp, f'echo "$HONE_GPUS $CUDA_VISIBLE_DEVICES" >>{tmp}/devices; '
                      "echo hone: accuracy=1\n")
    with LeaseServer() as server:
        server.grants(requires={"gpus": 2, "gpu_memory_mib": 80000})
        server.work(tmp, job, **tools.environment)
        expect((tmp / "devices").read_text(), f"2 {A},{B}\n")
        usage = server.results[0][1]["usage"]
        expect(usage["gpu_seconds"], 2 * usage["wall_seconds"])


def test_a_grant_that_needs_more_than_was_offered_goes_back(tmp):
    tools = FakeGpus(tmp / "bin")
    tools.nvidia([A])
    job = script(tmp, "echo hone: accuracy=1\n")
    with LeaseServer() as server:
        server.grants(requires={"gpus": 2, "gpu_memory_mib": 0})
        server.grants()
        said = server.work(tmp, job, **tools.environment)
        expect((server.released, [number for number, _ in server.results]), ([1], [2]))
        assert "requires 2 GPUs and not so many are free" in said, said


def test_a_list_that_makes_no_sense_is_refused(tmp):
    tools = FakeGpus(tmp / "bin")
    tools.nvidia([A])
    for options, words in (["--gpus", "0,0"], "listed twice"), \
            (["--gpus", "all", "--slots", "2"], "2 slots for 1 GPUs"), \
            (["--max-gpu-used", "500"], "write a size such as 500M or 2G"), \
            (["--min-disk-free", "1X"], "write a size such as 500M or 2G"):
        with LeaseServer() as server:
            worker = server.start(tmp, "true", options=options, **tools.environment)
            said, _ = worker.communicate(timeout=SECONDS)
            assert worker.returncode != 0 and words in said, said
            expect(server.asks, [])
    with LeaseServer() as server:
        worker = server.start(tmp, "true", options=["--gpus", "all"])
        said, _ = worker.communicate(timeout=SECONDS)
        assert worker.returncode != 0 and "no GPU was found" in said, said


# ---- the look before an ask ----

def is_unfit(ask):
    return ask.get("runners") == [] and not ask["health"]["ok"]


def goes_on_after(tmp, tools, free, reason, options=()):
    """Nothing runs until `free` has made room; what the worker said."""
    job = script(tmp, f'echo "$CUDA_VISIBLE_DEVICES" >>{tmp}/devices; echo hone: accuracy=1\n')
    with LeaseServer() as server:
        server.nothing = "waiting"
        worker = server.start(tmp, job, options=options, **tools.environment)
        waits_for(server, lambda: server.asks, "an ask")
        expect(is_unfit(server.asks[0]), True, f"{server.asks[0]}")
        assert reason in server.asks[0]["health"]["reason"], server.asks[0]
        free()
        waits_for(server, lambda: not is_unfit(server.asks[-1]), "an ask for a trial")
        assert "health" not in server.asks[-1], server.asks[-1]
        with server.lock:
            server.nothing = "finished"
        server.grants()
        waits_for(server, lambda: server.results, "a result")
        said, _ = worker.communicate(timeout=SECONDS)
        expect(worker.returncode, 0, said)
        expect(said.count(reason), 1, f"how often it was said in {said}")
        return said


def test_a_gpu_on_which_others_compute_is_left_alone(tmp):
    tools = FakeGpus(tmp / "bin")
    tools.nvidia([A])
    tools.uses(A, 70000, pid=os.getpid())
    said = goes_on_after(tmp, tools, lambda: tools.uses(A, 3),
                         f"GPU 0 is in use by process {os.getpid()} with 70000 MiB")
    assert "GPU 0 is used again" in said, said


def test_a_gpu_whose_memory_others_use_is_left_alone(tmp):
    tools = FakeGpus(tmp / "bin")
    tools.nvidia([A])
    tools.uses(A, 1500)
    goes_on_after(tmp, tools, lambda: tools.uses(A, 3),
                  "others use 1500 MiB of GPU 0, more than 1024")


def test_others_may_use_as_much_as_was_said(tmp):
    tools = FakeGpus(tmp / "bin")
    tools.nvidia([A])
    tools.uses(A, 1500, pid=os.getpid())
    job = script(tmp, "echo hone: accuracy=1\n")
    with LeaseServer() as server:
        server.grants()
        server.work(tmp, job, options=["--max-gpu-used", "2G"], **tools.environment)
        expect([is_unfit(ask) for ask in server.asks], [False] * len(server.asks))
        expect(len(server.results), 1)


def test_a_gpu_that_is_gone_is_left_alone(tmp):
    tools = FakeGpus(tmp / "bin")
    tools.nvidia([A])
    goes_on_after(tmp, tools, lambda: tools.nvidia([A, B]),
                  "nvidia-smi does not list GPU 1", options=["--gpus", "1"])


def test_the_other_gpus_go_on(tmp):
    tools = FakeGpus(tmp / "bin")
    tools.nvidia([A, B])
    tools.uses(A, 70000, pid=os.getpid())
    job = script(tmp, f'echo "$CUDA_VISIBLE_DEVICES" >>{tmp}/devices; echo hone: accuracy=1\n')
    with LeaseServer() as server:
        for _ in range(3):
            server.grants()
        server.work(tmp, job, **tools.environment)
        expect((tmp / "devices").read_text().split(), [B] * 3)
        expect([len(ask["gpus"]) for ask in server.asks if not is_unfit(ask)][0], 1)
        assert "GPU 0 is in use" in server.asks[0]["health"]["reason"], server.asks[0]


def test_a_tool_that_fails_later_stops_nothing(tmp):
    tools = FakeGpus(tmp / "bin")
    tools.nvidia([A])
    job = script(tmp, f"[ -e {tmp}/bin/status ] || echo broken >{tmp}/bin/status\n"
                      "echo hone: accuracy=1\n")
    with LeaseServer() as server:
        for _ in range(3):
            server.grants()
        said = server.work(tmp, job, **tools.environment)
        expect(len(server.results), 3)
        assert said.count("until it answers") <= 1, said


def test_a_tool_that_fails_at_once_is_said(tmp):
    tools = FakeGpus(tmp / "bin")
    tools.nvidia([A])
    tools.fails("NVIDIA-SMI has failed")
    job = script(tmp, "echo hone: accuracy=1\n")
    with LeaseServer() as server:
        server.grants()
        said = server.work(tmp, job, **tools.environment)
        assert "no GPU is assigned" in said and "NVIDIA-SMI has failed" in said, said
        assert "gpus" not in server.asks[0], server.asks[0]
        server.grants()
        said = server.work(tmp, job, options=["--gpus", "0"], **tools.environment)
        expect(said.count("without knowing whether others use them"), 1, said)
        expect(server.asks[-1]["gpus"], [{}])


def test_a_gpu_on_which_jobs_fail_at_once_waits_and_the_other_goes_on(tmp):
    tools = FakeGpus(tmp / "bin")
    tools.nvidia([A, B])
    job = script(tmp, f'echo "$CUDA_VISIBLE_DEVICES" >>{tmp}/devices\n'
                      f'[ "$CUDA_VISIBLE_DEVICES" = {B} ] || exit 1\n'
                      f"while [ \"$(grep -c {A} {tmp}/devices)\" -lt 3 ]; do sleep 0.01; done\n"
                      "echo hone: accuracy=1\n")
    with LeaseServer() as server:
        for _ in range(9):
            server.grants()
        said = server.work(tmp, job, **tools.environment)
        outcomes = [body["outcome"] for _, body in server.results]
        failed = outcomes.count("failed")  # it is tried again after a second
        assert 3 <= failed <= 5 and outcomes.count("completed") == 9 - failed, said
        assert "jobs in a row failed at once" in said, said
        with_reason = [ask for ask in server.asks if "health" in ask]
        assert "GPU 0: 3 jobs in a row" in with_reason[0]["health"]["reason"], with_reason


@contextlib.contextmanager
def small_disk(tmp, used_kib):
    """The work directory on a file system of 1 MiB of which so much is used."""
    disk = tmp / "work"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(disk)],
                      capture_output=True, check=False).returncode != 0:
        raise NotRun("no file system can be mounted here")
    try:
        (disk / "used").write_bytes(b"x" * used_kib * 1024)
        yield disk / "used"
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def test_a_disk_with_little_room_is_said_and_waited_for(tmp):
    with small_disk(tmp, 984) as used:
        said = goes_on_after(tmp, FakeGpus(tmp / "bin"), used.unlink, "the disk of")
        assert "the work directory has room again" in said, said


def test_a_disk_without_any_room_is_said(tmp):
    with small_disk(tmp, 1020), LeaseServer() as server:
        server.nothing = "waiting"
        server.grants()
        worker = server.start(tmp, "true")
        waits_for(server, lambda: server.asks, "an ask")
        stop(worker)
        expect([ask for ask in server.asks if not is_unfit(ask)], [])
        assert "has 0 MiB free" in server.asks[0]["health"]["reason"], server.asks


def test_what_is_unfit_leaves_when_the_study_is_over(tmp):
    tools = FakeGpus(tmp / "bin")
    tools.nvidia([A])
    tools.uses(A, 70000, pid=os.getpid())
    with LeaseServer() as server:
        server.work(tmp, "true", **tools.environment)
        expect([is_unfit(ask) for ask in server.asks], [True])


# ---- with a real server ----

class Cluster:
    """honed, studies, and one worker with four GPUs."""

    def __init__(self, tmp, server, n=4):
        self.tmp, self.server = tmp, server
        self.client = server.client()
        self.tools = FakeGpus(tmp / "bin")
        self.tools.nvidia([A, B, C, D][:n])
        token = tmp / "token"
        token.write_text(server.token("worker") + "\n")
        kept = {k: v for k, v in os.environ.items()
                if not k.startswith("HONE_") or k == "HONE_ALLOW_ROOT"}
        self.env = {**kept, "HONE_URL": server.url, "HONE_TOKEN_FILE": str(token),
                    **self.tools.environment}
        self.worker = None

    def make(self, name, gpus, trials, **more):
        made = self.client.post("/v1/studies", study(
            name, job={"runner": "train"}, requires={"gpus": gpus}, limits={"trials": trials},
            **more))
        expect(made.status, 201, made)

    def start(self, command, *options):
        self.worker = subprocess.Popen(
            [HONE, "worker", "--runner", f"train={command}", "--name", "node", "--workdir",
             str(self.tmp / "work"), *options], env=self.env, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.worker is not None and self.worker.poll() is None:
            self.worker.kill()
        if self.worker is not None:
            self.worker.communicate()

    def finished(self, name):
        wait_until(lambda: self.client.get(f"/v1/studies/{name}").json["state"] == "finished",
                   SECONDS, f"{name} is finished")
        return self.client.get(f"/v1/studies/{name}").json["counts"]


# Holds a lock on each of its GPUs, which nobody else may have.
LOCKS = """
for gpu in $(echo "$CUDA_VISIBLE_DEVICES" | tr , ' '); do
    mkdir %(tmp)s/lock-$gpu || { echo "$HONE_STUDY $gpu" >>%(tmp)s/shared; }
done
echo "$HONE_STUDY $HONE_GPUS $CUDA_VISIBLE_DEVICES" >>%(tmp)s/ran
sleep 0.02
for gpu in $(echo "$CUDA_VISIBLE_DEVICES" | tr , ' '); do rmdir %(tmp)s/lock-$gpu; done
echo hone: loss=1
"""


def test_studies_of_one_two_and_four_gpus_share_a_node(tmp):
    with Server() as server, Cluster(tmp, server) as cluster:
        for name, gpus in ("one", 1), ("two", 2), ("four", 4):
            cluster.make(name, gpus, 6)
        cluster.start(script(tmp, LOCKS % {"tmp": tmp}))
        for name in "one", "two", "four":
            expect(cluster.finished(name)["completed"], 6, name)
        assert not (tmp / "shared").exists(), (tmp / "shared").read_text()
        ran = [line.split() for line in (tmp / "ran").read_text().splitlines()]
        for name, gpus in ("one", 1), ("two", 2), ("four", 4):
            mine = [row for row in ran if row[0] == name]
            expect([(row[1], len(set(row[2].split(",")))) for row in mine],
                   [(str(gpus), gpus)] * 6)


def test_a_gpu_that_comes_free_makes_the_waiting_offer_larger(tmp):
    """One trial holds a GPU; the ask that waits with the other is sent again with both."""
    with Server() as server, Cluster(tmp, server, n=2) as cluster:
        cluster.make("one", 1, 1)
        cluster.start(script(tmp, f"""
echo "$HONE_STUDY $CUDA_VISIBLE_DEVICES" >>{tmp}/ran
[ "$HONE_STUDY" != one ] || while [ ! -e {tmp}/over ]; do sleep 0.01; done
echo hone: loss=1
"""))
        wait_until((tmp / "ran").exists, SECONDS, "the trial of one")
        wait_until(lambda: [w for w in cluster.client.get("/v1/workers").json["items"]
                            if w["waiting"] and w["gpus"] == 1], SECONDS, "an offer of one GPU")
        cluster.make("two", 2, 1)
        begun = time.monotonic()
        (tmp / "over").touch()
        expect(cluster.finished("two")["completed"], 1)
        assert time.monotonic() - begun < 20, "it waited for the end of the long-poll"
        expect(sorted((tmp / "ran").read_text().split()[3].split(",")), [A, B])


def test_a_bundle_waits_for_the_gpus_that_its_study_requires(tmp):
    with Server() as server, Cluster(tmp, server, n=2) as cluster:
        cluster.make("two", 2, 2)
        made = subprocess.run([HONE, "bundle", "two", "-n", "2", "--gpus", "2", "-o",
                               str(tmp / "b.tar")], env=cluster.env, capture_output=True,
                              text=True, check=False)
        expect(made.returncode, 0, made.stderr)
        cluster.tools.uses(B, 70000, pid=os.getpid())
        job = script(tmp, f'echo "$CUDA_VISIBLE_DEVICES" >>{tmp}/ran; echo hone: loss=1\n')
        cluster.worker = subprocess.Popen(
            [HONE, "worker", "--bundle", str(tmp / "b.tar"), "--workdir", str(tmp / "work"), "--",
             job], env=cluster.env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, text=True)
        lines = []
        for line in cluster.worker.stdout:
            lines.append(line)
            if "2 of the bundle require more GPUs than this worker offers now" in line:
                break
        assert not (tmp / "ran").exists(), lines
        cluster.tools.uses(B, 3)
        said, _ = cluster.worker.communicate(timeout=SECONDS)
        assert "2 of 2 trials have ended" in said, lines + [said]
        expect([sorted(line.split(",")) for line in (tmp / "ran").read_text().split()], [[A, B]] * 2)


def test_heartbeats_say_how_busy_the_gpus_of_a_trial_are(tmp):
    """Also of a trial whose measurements would do without a heartbeat; and nothing of one without a GPU."""
    for case, options, wanted in ("gpus", [], {"gpu_utilization": 0.7}), ("none", ["--gpus", "none"], None):
        tools = FakeGpus(tmp / case / "bin")
        tools.nvidia([A, B])
        tools.is_busy(A, 90)
        tools.is_busy(B, 50)
        job = script(tmp / case, f"""i=0
while [ ! -e {tmp}/{case}/over ]; do i=$((i+1)); echo hone: step=$i accuracy=1; sleep 0.2; done
""")
        with LeaseServer() as server:
            server.grants(heartbeat=1, requires={"gpus": 2, "gpu_memory_mib": 0} if case == "gpus" else {})
            server.start(tmp / case, job, options=options, **tools.environment)

            def beats():
                return [body for kind, body in server.calls if kind == "beat"]
            if wanted:
                server.wait_for(lambda: wanted in beats())
            server.wait_for(lambda: sum(kind == "measure" for kind, _ in server.calls) >= 10)
            assert wanted or not any(beats()), beats()
            (tmp / case / "over").touch()
            server.wait_for(lambda: server.results)
        if case == "none":
            assert "--query-gpu=index,uuid,utilization.gpu" not in tools.looks(), tools.looks()


def test_a_tool_that_hangs_delays_neither_heartbeats_nor_the_job(tmp):
    tools = FakeGpus(tmp / "bin")
    tools.nvidia([A])
    tools.hangs_when_asked_how_busy()
    job = script(tmp, f"while [ ! -e {tmp}/over ]; do sleep 0.02; done; echo hone: accuracy=1\n")
    with LeaseServer() as server:
        server.grants(heartbeat=1)
        server.start(tmp, job, **tools.environment)
        server.wait_for(lambda: len(server.beats) >= 2)
        assert "--query-gpu=index,uuid,utilization.gpu" in tools.looks(), tools.looks()
        assert not any(body for kind, body in server.calls if kind == "beat"), server.calls
        begun = time.monotonic()
        (tmp / "over").touch()
        server.wait_for(lambda: server.results)
        assert time.monotonic() - begun < 8, "the end of the job waited for the tool"


def test_how_busy_gpus_are_is_shown(tmp):
    with Server() as server, Cluster(tmp, server) as cluster:
        cluster.make("one", 0, 1)
        worker = server.client("worker")
        lease = worker.post("/v1/leases", {"worker": "node:0", "runners": ["train"]}).json["lease"]["id"]
        expect(worker.put(f"/v1/leases/{lease}", {"gpu_utilization": 0.83}).status, 200)
        shown = subprocess.run([HONE, "workers", "-o", "wide"], capture_output=True, text=True, check=False,
                               env={**cluster.env, "HONE_TOKEN_FILE": str(pathlib.Path(server.data) / "admin.token")})
        assert re.search(r"GPU BUSY\b.*\n.*\b83 %", shown.stdout), shown


def test_hone_workers_shows_why_a_gpu_is_not_used(tmp):
    with Server() as server, Cluster(tmp, server, n=1) as cluster:
        cluster.tools.uses(A, 70000, pid=os.getpid())
        cluster.make("one", 1, 1)
        cluster.start(script(tmp, "echo hone: loss=1\n"))

        def shown():
            return subprocess.run([HONE, "workers"], env={**cluster.env, "HONE_TOKEN_FILE": str(
                pathlib.Path(server.data) / "admin.token")}, capture_output=True, text=True,
                check=False).stdout
        wait_until(lambda: "GPU 0 is in use by process" in shown(), SECONDS, "the reason")
        expect(cluster.client.get("/v1/studies/one").json["counts"].get("running", 0), 0)
        cluster.tools.uses(A, 3)
        expect(cluster.finished("one")["completed"], 1)
        wait_until(lambda: "in use" not in shown(), SECONDS, "no reason")


if __name__ == "__main__":
    main(globals())
