#!/usr/bin/env python3
"""Workers that come back all at once after a kill: how long until each has been served, and with how
much memory. Every worker keeps a connection of its own.

usage: reconnect.py [WORKERS]        (10,000; needs as many open files, see ulimit -n)
"""

import asyncio
import concurrent.futures
import os
import pathlib
import re
import resource
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from hone import Server, study  # noqa: E402

CLIENTS = 16  # that get the leases, before the kill
SECONDS_MAX = 60
MIB_MAX = 512


def take_leases(server, n):
    def take(first):
        with server.client("worker") as client:
            found = []
            for i in range(first, n, CLIENTS):
                reply = client.post("/v1/leases", {"worker": f"w{i}", "request_id": f"r{i}"})
                assert reply.status == 201, reply
                found.append(reply.json["lease"]["id"])
            return found
    with concurrent.futures.ThreadPoolExecutor(CLIENTS) as pool:
        return [lease for part in pool.map(take, range(CLIENTS)) for lease in part]


class Worker:
    def __init__(self, server, lease):
        self.port = server.port
        self.request = (f"PUT /v1/leases/{lease} HTTP/1.1\r\nHost: 127.0.0.1\r\n"
                        f"Authorization: Bearer {server.token('worker')}\r\n\r\n").encode()
        self.writer = None
        self.refused = 0  # connections
        self.put_off = 0  # requests answered with 503

    async def call(self):
        reader, self.writer = await asyncio.open_connection("127.0.0.1", self.port)
        while True:
            self.writer.write(self.request)
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            length = int(re.search(r"(?i)content-length: (\d+)", head).group(1))
            await reader.readexactly(length)
            status = int(head.split()[1])
            if status == 200:
                return
            assert status == 503, head
            self.put_off += 1
            await asyncio.sleep(int(re.search(r"(?i)retry-after: (\d+)", head).group(1)))

    async def come_back(self, began):
        while True:
            try:
                await self.call()
                return time.monotonic() - began
            except (OSError, asyncio.IncompleteReadError):
                self.refused += 1
                await asyncio.sleep(0.1)


async def storm(workers):
    began = time.monotonic()
    return sorted(await asyncio.gather(*(worker.come_back(began) for worker in workers)))


def value(text, name):
    return float(re.search(rf"^{name} (\S+)$", text, re.MULTILINE).group(1))


def peak_mib(process):
    text = pathlib.Path(f"/proc/{process.pid}/status").read_text(encoding="ascii")
    return int(re.search(r"VmHWM:\s+(\d+) kB", text).group(1)) / 1024


def measure(n):
    """What becomes of `n` workers whose server is killed: a dict of figures."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    with Server() as server:
        with server.client() as client:
            client.post("/v1/studies", study("s"))
        leases = take_leases(server, n)
        server.kill()
        began = time.monotonic()
        server.start()
        ready = time.monotonic() - began
        workers = [Worker(server, lease) for lease in leases]
        seconds = asyncio.run(storm(workers))
        peak = peak_mib(server.process)
        with server.client() as client:
            text = client.get("/metrics").body.decode()
    return {"ready": ready, "p50": seconds[n // 2], "p99": seconds[n * 99 // 100], "last": seconds[-1],
            "refused": sum(worker.refused for worker in workers),
            "put_off": sum(worker.put_off for worker in workers), "peak_mib": peak,
            "live": value(text, "hone_leases_live"), "expired": value(text, "hone_leases_expired_total")}


def main():
    n = int(sys.argv[1]) if len(sys.argv) > 1 else 10000
    run = measure(n)
    print(f"{n} workers; ready {run['ready']:.2f} s after the kill; answered after {run['p50']:.2f} s (p50), "
          f"{run['p99']:.2f} s (p99), {run['last']:.2f} s (the last)")
    print(f"connections refused {run['refused']}, requests put off {run['put_off']}; peak of memory "
          f"{run['peak_mib']:.0f} MiB; leases live {run['live']:.0f}, expired {run['expired']:.0f}")
    well = (run["last"] <= SECONDS_MAX and run["peak_mib"] <= MIB_MAX and run["live"] == n
            and run["expired"] == 0)
    print("met" if well else f"missed: {SECONDS_MAX} s, {MIB_MAX} MiB, no lease lost")
    return 0 if well else 1


if __name__ == "__main__":
    os.environ.setdefault("HONE_ALLOW_ROOT", "1")
    sys.exit(main())
