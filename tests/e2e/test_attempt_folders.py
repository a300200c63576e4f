#!/usr/bin/env python3
"""The folder of an attempt: whose files are where, what it begins with, what is removed."""

import json
import os
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from cases import expect, main, script, wait_until  # noqa: E402
from jobs import left_behind, SECONDS  # noqa: E402
from lease_server import LeaseServer, only_result  # noqa: E402


def files(folder):
    """What is in a folder: {name: text}."""
    return {path.name: path.read_text() for path in pathlib.Path(folder).iterdir()}


# Goes on writing until told, and says where.
WRITER = """
echo "$HONE_CHECKPOINT_DIR" >{tmp}/folder-$HONE_ATTEMPT
echo $HONE_ATTEMPT >$HONE_CHECKPOINT_DIR/only-$HONE_ATTEMPT
echo $HONE_ATTEMPT >$HONE_CHECKPOINT_DIR/both
echo hone: step=1 accuracy=0.$HONE_ATTEMPT
while [ ! -e {tmp}/go-$HONE_ATTEMPT ]; do
    echo $HONE_ATTEMPT 1<>$HONE_CHECKPOINT_DIR/both  # never empty meanwhile
    cp "$HONE_PARAMS_FILE" {tmp}/params-$HONE_ATTEMPT
    sleep 0.01
done
"""


def folder_of(tmp, attempt):
    return pathlib.Path((tmp / f"folder-{attempt}").read_text().strip())


def test_two_attempts_at_once_share_no_file(tmp):
    """The first worker cannot reach the server for longer than its lease lasts, and trains on; the
    second one, with the same work directory, gets the next attempt."""
    job = script(tmp, WRITER.replace("{tmp}", str(tmp)))
    with LeaseServer() as server:
        server.grants(resource=(0, 9))
        first = server.start(tmp, job)
        server.wait_for(lambda: (1, 1, {"accuracy": 0.1}) in server.measured)
        server.grants(number=1, attempt=2, resource=(0, 9))
        second = server.start(tmp, job)
        server.wait_for(lambda: (1, 1, {"accuracy": 0.2}) in server.measured)
        wait_until((tmp / "params-2").exists, "a second attempt")
        expect(files(folder_of(tmp, 1)), {"only-1": "1\n", "both": "1\n"}, "the first one's")
        (tmp / "go-2").touch()
        expect(second.wait(SECONDS), 0, second.stdout.read())
        kept = pathlib.Path(only_result(server)["checkpoint"]["uri"])
        expect(files(kept), {"only-2": "2\n", "both": "2\n"}, "what the second one published")
        server.fails("result", (409, "lease-superseded"))
        (tmp / "go-1").touch()
        expect(first.wait(SECONDS), 0, first.stdout.read())
    expect(files(kept), {"only-2": "2\n", "both": "2\n"}, "… and kept")
    expect([json.loads((tmp / f"params-{n}").read_text())["attempt"] for n in (1, 2)], [1, 2])
    expect(left_behind(tmp), ["attempt-1.log", "attempt-2.log", "attempt-2/checkpoint/both",
                              "attempt-2/checkpoint/only-2"])


def test_the_same_attempt_of_two_servers_shares_no_file(tmp):
    """Private servers on two hosts have the same address, and a home directory may be shared."""
    job = script(tmp, WRITER.replace("{tmp}", str(tmp)).replace("$HONE_ATTEMPT", "$HONE_SEED"))
    with LeaseServer() as server:
        server.grants(seed=1)
        first = server.start(tmp, job)
        server.wait_for(lambda: (1, 1, {"accuracy": 0.1}) in server.measured)
        server.grants(number=1, seed=2)
        second = server.start(tmp, job)
        server.wait_for(lambda: (1, 1, {"accuracy": 0.2}) in server.measured)
        expect(files(folder_of(tmp, 1)), {"only-1": "1\n", "both": "1\n"}, "the first one's")
        for seed, worker in ((2, second), (1, first)):
            (tmp / f"go-{seed}").touch()
            expect(worker.wait(SECONDS), 0, worker.stdout.read())
        for seed, (_, result) in zip((2, 1), server.results):
            expect(files(result["checkpoint"]["uri"]),
                   {f"only-{seed}": f"{seed}\n", "both": f"{seed}\n"})


def test_an_attempt_begins_with_a_copy_of_its_checkpoint(tmp):
    here = tmp / "work" / "there" / "checkpoint"
    (here / "deep").mkdir(parents=True)
    (here / "weights").write_text("old\n")
    (here / "deep" / "state").write_text("old\n")
    (here / "latest").symlink_to(f"{here}.new/deep")
    os.utime(here / "weights", (5, 7))
    job = script(tmp, f"""
stat -c %Y $HONE_CHECKPOINT_DIR/weights >{tmp}/time
echo $HONE_RESOURCE_FROM $HONE_RESUME $(cat $HONE_CHECKPOINT_DIR/latest/state) >{tmp}/seen
echo new >$HONE_CHECKPOINT_DIR/weights
echo new >$HONE_CHECKPOINT_DIR/latest/state
echo hone: step=5 accuracy=1
""")
    with LeaseServer() as server:
        server.grants(resource=(3, 5), checkpoint={"uri": str(here), "step": 3, "reach": "any"})
        server.work(tmp, job)
        kept = pathlib.Path(only_result(server)["checkpoint"]["uri"])
    expect((tmp / "seen").read_text(), "3 1 old\n")
    expect((tmp / "time").read_text(), "7\n")
    expect(((here / "weights").read_text(), (here / "deep" / "state").read_text()),
           ("old\n", "old\n"), "what another attempt may begin with")
    expect(((kept / "weights").read_text(), (kept / "latest" / "state").read_text()),
           ("new\n", "new\n"), "what this one kept")


def test_a_trial_whose_checkpoint_cannot_be_copied_is_handed_back(tmp):
    here = tmp / "work" / "there" / "checkpoint"
    here.joinpath(*["deep"] * 70).mkdir(parents=True)  # deeper than is copied
    with LeaseServer() as server:
        server.grants(resource=(3, 5), checkpoint={"uri": str(here), "step": 3, "reach": "any"})
        said = server.work(tmp, script(tmp, f"touch {tmp}/ran\n"), status=1)
        expect((server.released, server.results), ([1], []), said)
    assert f"its checkpoint {here} cannot be copied: " in said, said
    assert not (tmp / "ran").exists() and here.exists()


def test_what_a_killed_worker_left_is_removed_by_the_next(tmp):
    job = script(tmp, WRITER.replace("{tmp}", str(tmp)))
    with LeaseServer() as server:
        server.grants(resource=(0, 9))
        first = server.start(tmp, job)
        server.wait_for(lambda: server.measured)
        wait_until((tmp / "params-1").exists, "a first attempt")
        first.kill()
        first.communicate(timeout=SECONDS)
        owner = folder_of(tmp, 1).parent / "owner"
        pids = [int(line.split()[0]) for line in owner.read_text().splitlines()[1:]]
        wait_until(lambda: not any(pathlib.Path(f"/proc/{pid}").exists() for pid in pids),
                   "the end of its shim")
        (tmp / "go-2").touch()
        server.grants(number=1, attempt=2, resource=(0, 9))
        server.work(tmp, job, options=("--name", "another"))
    expect(left_behind(tmp), ["attempt-1.log", "attempt-2.log", "attempt-2/checkpoint/both",
                              "attempt-2/checkpoint/only-2"])


if __name__ == "__main__":
    main(globals())
