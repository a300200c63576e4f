"""Vendors' tools that print what a test wants, in a folder for the front of PATH.

    tools = FakeGpus(tmp / "bin")
    tools.nvidia(["GPU-a", "GPU-b"])         # two GPUs that nobody uses
    tools.uses("GPU-b", 70000, pid=4711)     # from now on
    server.work(tmp, job, **tools.environment)
"""

import os
import pathlib

NVIDIA = """#!/bin/sh
here={folder}
echo "$1" >>$here/looks
[ -e $here/status ] && {{ cat $here/status; exit 9; }}
case $1 in
    --query-gpu=index,uuid,utilization.gpu)
        [ -e $here/hangs ] && exec sleep 1000
        cat $here/utilization;;
    --query-gpu=*) cat $here/gpus;;
    -L) cat $here/parts;;
    --query-compute-apps=*) cat $here/processes;;
    *) exit 2;;
esac
"""

ROCM = """#!/bin/sh
cat {folder}/cards
"""


class FakeGpus:
    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True)
        self.gpus, self.used, self.pids = [], {}, {}
        self.memory, self.parts = 81559, {}
        self.busy = {}

    @property
    def environment(self):
        return {"PATH": f"{self.folder}:{os.environ['PATH']}"}

    def install(self, name, text):
        path = self.folder / name
        path.write_text(text.format(folder=self.folder))
        path.chmod(0o755)

    def write(self, name, lines):
        new = self.folder / (name + ".new")
        new.write_text("".join(line + "\n" for line in lines))
        new.rename(self.folder / name)

    def save(self):
        self.write("processes", [f"{pid}, {uuid}, {mib}" for pid, (uuid, mib) in self.pids.items()])
        self.write("gpus", [f"{i}, {uuid}, NVIDIA H200, {self.memory}, {self.used.get(uuid, 3)}"
                            for i, uuid in self.gpus])
        self.write("utilization", [f"{i}, {uuid}, {self.busy.get(uuid, '[N/A]')}" for i, uuid in self.gpus])
        listed = []
        for i, uuid in self.gpus:
            listed.append(f"GPU {i}: NVIDIA H200 (UUID: {uuid})")
            listed += [f"  MIG 1g.5gb Device {n}: (UUID: {part})"
                       for n, part in enumerate(self.parts.get(uuid, []))]
        self.write("parts", listed)

    def nvidia(self, uuids, parts=None):
        self.gpus, self.parts = list(enumerate(uuids)), parts or {}
        self.save()
        self.install("nvidia-smi", NVIDIA)

    def amd(self, ids):
        self.write("cards", ["{" + ", ".join(
            f'"card{i}": {{"Unique ID": "0x{name}", "Card Series": "MI300X"}}'
            for i, name in enumerate(ids)) + "}"])
        self.install("rocm-smi", ROCM)

    def uses(self, uuid, mib, pid=None):
        self.used[uuid] = mib
        self.pids = {p: use for p, use in self.pids.items() if use[0] != uuid}
        if pid is not None:
            self.pids[pid] = (uuid, mib)
        self.save()

    def is_busy(self, uuid, percent):
        """Before it says so, of no GPU it is known."""
        self.busy[uuid] = percent
        self.save()

    def hangs_when_asked_how_busy(self):
        self.write("hangs", [])

    def loses(self, uuid):
        self.gpus = [gpu for gpu in self.gpus if gpu[1] != uuid]
        self.save()

    def fails(self, text):
        self.write("status", [text])

    def looks(self):
        path = self.folder / "looks"
        return path.read_text().split("\n") if path.exists() else []
