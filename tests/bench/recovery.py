#!/usr/bin/env python3
"""Prints the figures of keeping data that Hone promises beside what this machine gives, and ends with
status 1 if one is missed.

usage: recovery.py [--build DIR] [--seconds T] [--mib N] [--cycles N] [--minutes N] [SECTION…]

Sections (all of them if none is named):

  writes   durable writes at a fixed rate: 500 requests a second with one measurement, then 300 with 20;
           each is timed from when it was due, so a server that falls behind is seen
  restore  a database of --mib MiB: backup, restore (which checks it), and ready after kill -9
  disk     --cycles times: a file system fills up under writes, and has space again; every acknowledged
           write must be there at the end. Needs root, for a file system of its own. From the tenth time
           or so the log has its whole size, and a full disk refuses nothing for a long time
  soak     --minutes of asks, results and reads: resident memory, open files, the log of writes

The servers' files lie in $HONE_BENCH_DIR (disk: on a tmpfs). Figures: recovery.md."""

import argparse
import concurrent.futures
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import threading
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "support")]
import hone  # noqa: E402
from scale_table import Table, cpu_name  # noqa: E402

MIB = 1 << 20
CLIENTS = 16
POINTS = 100  # measurements of an imported trial
DISK_MIB = 64  # more than the log of writes takes before it is written back


def quantile(values, q):
    return sorted(values)[min(len(values) - 1, int(q * len(values)))]


def directory():
    return tempfile.TemporaryDirectory(prefix="hone-recovery-", dir=os.environ.get("HONE_BENCH_DIR"))


def make_study(server, name):
    with server.client() as client:
        reply = client.post("/v1/studies", hone.study(name))
        assert reply.status == 201, reply


def ask(client, worker):
    reply = client.post("/v1/studies/s/leases", {"worker": worker})
    assert reply.status == 201, reply
    return reply.json["lease"]["id"]


# ---- durable writes ----

def write_on_time(server, lease, due, points):
    """The milliseconds from when each request was due to its answer."""
    found, step = [], 0
    with server.client("worker") as client:
        for at in due:
            time.sleep(max(0.0, at - time.monotonic()))
            reply = client.post(f"/v1/leases/{lease}/measurements", {"measurements": [
                {"step": step + k + 1, "metrics": {"loss": 1.0}} for k in range(points)]})
            found.append((time.monotonic() - at) * 1e3)
            step += points
            assert reply.status == 200, reply
    return found


def latencies(rate, points, seconds):
    with directory() as folder, hone.Server(data=folder) as server:
        make_study(server, "s")
        with server.client("worker") as client:
            held = [ask(client, f"w{i}") for i in range(CLIENTS)]
        began = time.monotonic() + 0.5
        due = [[began + (k * CLIENTS + i) / rate for k in range(int(rate * seconds / CLIENTS))]
               for i in range(CLIENTS)]
        with concurrent.futures.ThreadPoolExecutor(CLIENTS) as pool:
            parts = list(pool.map(lambda i: write_on_time(server, held[i], due[i], points), range(CLIENTS)))
    return [one for part in parts for one in part]


def writes(table, options):
    for rate, points, limit, what in ((500, 1, 20, "500 durable writes a second, p99"),
                                      (300, 20, 100, "6,000 durable measurements a second, p99")):
        found = min((latencies(rate, points, options.seconds) for _ in range(3)),
                    key=lambda values: quantile(values, 0.99))
        table.most(what, quantile(found, 0.99), limit, "ms", f"median {quantile(found, 0.5):.1f}, "
                   f"worst {max(found):.0f}, {len(found)} requests, the best of three")


# ---- backup and restore ----

def fill(server, mib):
    """Trials with 100 measurements each, until the database has the size."""
    database = pathlib.Path(server.data) / "hone.db"
    make_study(server, "big")
    with server.client(timeout=600) as client:
        n = 0
        while database.stat().st_size < mib * MIB:
            body = [{"parameters": {"x": (n + i) % 9973 / 9973}, "state": "completed",
                     "measurements": [{"step": k + 1, "metrics": {"loss": 1 / (k + 1 + i), "accuracy": i / 1000}}
                                      for k in range(POINTS)]} for i in range(500)]
            reply = client.post("/v1/studies/big/trials", body)
            assert reply.status == 201, reply
            n += len(body)
    return n


def command(*args):
    began = time.monotonic()
    status, said = hone.run_honed(*map(str, args))
    assert status == 0, said
    return time.monotonic() - began


def ready_after_kill(server):
    server.kill()
    began = time.monotonic()
    server.start()
    return time.monotonic() - began


def restore(table, options):
    with directory() as folder:
        place = pathlib.Path(folder)
        with hone.Server(data=str(place / "data")) as server:
            trials = fill(server, options.mib)
            size = (place / "data/hone.db").stat().st_size / MIB
            print(f"  {trials} trials, {trials * POINTS} measurements, {size:.0f} MiB", flush=True)
            took = [ready_after_kill(server) for _ in range(3)]
            table.most(f"ready after kill -9, {size:.0f} MiB", min(took), 10, "s",
                       "all: " + " ".join(f"{seconds:.2f}" for seconds in took))
            table.most("backup beside the running server", command(
                "--backup", place / "copy.db", "--data", place / "data"), 60, "s")
        table.most("restore, with its check", command("--restore", place / "copy.db", "--data", place / "again"),
                   60, "s")
        shutil.copy(place / "data/admin.token", place / "again")  # the database knows it by its digest only
        with hone.Server(data=str(place / "again")) as server, server.client() as client:
            counts = client.get("/v1/studies/big").json["counts"]
            assert counts["completed"] == trials, counts


# ---- a full disk ----

def take_space(path):
    with open(path, "wb", buffering=0) as file:
        try:
            while True:
                file.write(b"\0" * 4096)
        except OSError:
            pass


def until(what, seconds=30):
    """How long until it is so."""
    began = time.monotonic()
    while not what():
        if time.monotonic() - began > seconds:
            return seconds
        time.sleep(0.005)
    return time.monotonic() - began


def cycle(client, filler, numbers):
    """Seconds from the first refused write until /readyz says so, and from space until a write succeeds."""
    def write():
        reply = client.post("/v1/studies/s/trials", {"parameters": {"x": 0.5}})
        if reply.status == 201:
            numbers.append(reply.json["number"])
        return reply.status == 201
    for _ in range(50):
        write()
    take_space(filler)
    until(lambda: not write())
    noticed = until(lambda: client.get("/readyz").type == "storage-full")
    os.unlink(filler)
    return noticed, until(write)


def disk(table, options):
    with tempfile.TemporaryDirectory(prefix="hone-full-") as folder:
        if subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK_MIB}m", "hone-test", folder],
                          stderr=subprocess.DEVNULL, check=False).returncode != 0:
            print("  not run: no small file system (needs root)")
            return
        try:
            numbers = []
            with hone.Server(data=f"{folder}/data") as server, server.client() as client:
                make_study(server, "s")
                found = [cycle(client, f"{folder}/filler", numbers) for _ in range(options.cycles)]
                server.kill()
                server.start()
                with server.client() as again:
                    kept = {trial["number"] for trial in again.walk("/v1/studies/s/trials")}
            table.most("full disk: /readyz says so, the slowest", max(noticed for noticed, _ in found), 1, "s",
                       f"{options.cycles} times")
            table.most("full disk: writes go on after space, the slowest", max(healed for _, healed in found), 5, "s")
            table.most("full disk: acknowledged and lost", len(set(numbers) - kept), 0, "",
                       f"of {len(numbers)} acknowledged")
        finally:
            subprocess.run(["umount", "-l", folder], check=False)


# ---- soak ----

def work(server, name, end):
    """Asks, measurements, results and reads until the end; how many requests."""
    n = 0
    with server.client("worker") as client:
        while time.monotonic() < end:
            lease = ask(client, name)
            client.post(f"/v1/leases/{lease}/measurements", {"measurements": [
                {"step": 1, "metrics": {"loss": 1.0}}]})
            reply = client.put(f"/v1/leases/{lease}/result", {"outcome": "completed", "metrics": {"loss": 0.5}})
            assert reply.status == 200, reply
            client.get("/v1/studies/s/trials?limit=10&sort=-number")
            n += 4
            time.sleep(0.02)
    return n


def sample(server):
    """Resident MiB, open files, MiB of the log."""
    pid = server.process.pid
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        resident = next(int(line.split()[1]) for line in file if line.startswith("VmRSS:")) / 1024
    log = pathlib.Path(server.data) / "hone.db-wal"
    return resident, len(os.listdir(f"/proc/{pid}/fd")), log.stat().st_size / MIB if log.exists() else 0


def soak(table, options):
    with directory() as folder, hone.Server(data=folder) as server:
        make_study(server, "s")
        end = time.monotonic() + 60 * options.minutes
        counts, samples = [], []
        workers = [threading.Thread(target=lambda i=i: counts.append(work(server, f"w{i}", end)))
                   for i in range(CLIENTS)]
        for worker in workers:
            worker.start()
        while time.monotonic() < end:
            time.sleep(min(10.0, max(0.0, end - time.monotonic())))
            samples.append(sample(server))
        for worker in workers:
            worker.join()
        assert len(counts) == CLIENTS, "a client met a fault"
        after = samples[len(samples) // 3:]
        note = f"{sum(counts)} requests of {CLIENTS} clients in {options.minutes:g} minutes"
        table.most("soak: open files, the most above the least", max(s[1] for s in after) - min(s[1] for s in after),
                   2, "", note)
        table.most("soak: log of writes, the most", max(s[2] for s in samples), 64, "MiB")
        trials = sum(counts) // 4
        table.most("soak: resident memory a trial that was added", (after[-1][0] - after[0][0]) * MIB
                   / max(1, trials * 2 // 3), 512, "bytes", f"{after[0][0]:.1f} to {after[-1][0]:.1f} MiB")


SECTIONS = {"writes": writes, "restore": restore, "disk": disk, "soak": soak}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sections", nargs="*", metavar="SECTION", choices=[[], *SECTIONS])
    parser.add_argument("--build", default="build")
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--mib", type=int, default=1024)
    parser.add_argument("--cycles", type=int, default=8)
    parser.add_argument("--minutes", type=float, default=10)
    options = parser.parse_args()
    os.environ.setdefault("HONED", os.path.abspath(os.path.join(options.build, "server/honed")))
    print(f"{cpu_name()}, {len(os.sched_getaffinity(0))} cores, {time.strftime('%d %B %Y')}")
    table = Table()
    for name in options.sections or SECTIONS:
        print(f"{name}:", flush=True)
        SECTIONS[name](table, options)
    sys.exit(table.end())


if __name__ == "__main__":
    main()
