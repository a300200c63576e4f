#!/usr/bin/env python3
"""Workers that are killed at every change of a file, and restarted.

Each case is a study of one trial. Its first worker dies by SIGKILL instead of making its k-th change (a
write, a sync, a rename, …), or in the middle of its k-th write; a second one goes on in the same work directory.
Whatever k is, the server must have in the end what it has of an undisturbed run, and a job whose end was
recorded must not have run twice.
"""

import concurrent.futures
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
import hone  # noqa: E402
from cases import expect, main, spool_kinds  # noqa: E402
from one_trial import make, n_runs, outcome, undisturbed, work  # noqa: E402

MOST_CHANGES = 200
AT_ONCE = 4
RUN, EXIT, RESULT = 2, 5, 6  # kinds of records


def records(folder):
    return [kind for path in folder.glob("work/workers/*/*.spool") for kind in spool_kinds(path)]


class Cases:
    def __init__(self, tmp):
        self.tmp = tmp

    def killed(self, server, wanted, k, tears):
        """True when the first worker came to its end before its k-th change."""
        study = f"{'torn' if tears else 'killed'}-{k}"
        with server.client() as client:
            folder = make(client, self.tmp, study)
            tearing = {"HONE_TEST_TEAR": "1"} if tears else {}
            status, said = work(server, folder, **hone.preload_env(HONE_TEST_DIE_AT=k, **tearing))
            if status == 0:
                return True
            expect(status, -9, f"{study}: {said}")
            left = records(folder)
            n_before = n_runs(folder)
            status, said = work(server, folder)
            expect(status, 0, f"{study}: {said}")
            kept, curve, outcomes = outcome(client, study)
            expect((kept, curve), wanted, f"{study}, which left {left}: {outcomes}\n{said}")
            if EXIT in left or RESULT in left:
                expect((n_before, n_runs(folder), outcomes), (1, 1, ["completed"]), f"{study}, which left {left}")
            expect(n_runs(folder) <= 2 and len(outcomes) <= 2, True, f"{study}: {n_runs(folder)} runs, {outcomes}")
            expect(records(folder), [], f"{study}: what is left")
            return False

    def all(self, tears):
        with hone.Server() as server, concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
            wanted = undisturbed(server, self.tmp)
            n_done = 0
            for first in range(1, MOST_CHANGES, AT_ONCE):
                ends = list(pool.map(lambda k: self.killed(server, wanted, k, tears), range(first, first + AT_ONCE)))
                n_done += ends.count(False)
                if all(ends):
                    print(f"killed at each of {n_done} {'writes' if tears else 'changes'}", flush=True)
                    return n_done
        raise AssertionError("a worker never came to its end")


def test_a_worker_killed_at_any_change_loses_nothing(tmp):
    expect(Cases(tmp).all(tears=False) > 20, True)


def test_a_write_torn_by_the_kill_is_no_record(tmp):
    expect(Cases(tmp).all(tears=True) > 5, True)


main(globals())
