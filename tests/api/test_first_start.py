#!/usr/bin/env python3
"""A first start that was killed, whenever that was, leaves a data directory that the next start
completes: both tokens are there, and both are valid.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import unittest
from concurrent.futures import ThreadPoolExecutor

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import hone  # noqa: E402

CHANGES_MAX = 500  # more calls that change files than a first start makes
IN_PARALLEL = 4


class FirstStart(unittest.TestCase):
    def setUp(self):
        self.root = tempfile.mkdtemp(prefix="hone-test-")
        self.addCleanup(shutil.rmtree, self.root)

    def die_at(self, data, n):
        """A first start that is killed at its n-th change of a file; False: it made fewer."""
        process = subprocess.Popen(
            [hone.build_path("HONED"), "--data", data, "--listen", "127.0.0.1:0"],
            env=dict(os.environ, **hone.preload_env(HONE_TEST_DIE_AT=n)), text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        with process:
            for line in process.stdout:
                if "listening on" in line:
                    process.kill()
                    return False
        self.assertEqual(process.returncode, -9, n)
        return True

    def check(self, data):
        """The next start works, and the token files still give access."""
        with hone.Server(data=data) as server:
            with server.client() as admin, server.client("worker") as worker:
                self.assertEqual(admin.get("/v1/tokens").status, 200)
                self.assertEqual(worker.post("/v1/leases", {}).status, 200)
                scopes = [item["scopes"] for item in admin.get("/v1/tokens").json["items"]]
                self.assertEqual(sorted(scopes), [["admin"], ["worker"]])
            for kind in ("admin", "worker"):
                mode = os.stat(os.path.join(data, f"{kind}.token")).st_mode & 0o777
                self.assertEqual(mode, 0o600)

    def kill_and_check(self, n):
        data = os.path.join(self.root, str(n))
        died = self.die_at(data, n)
        if died:
            self.check(data)
        return died

    def test_killed_at_each_change_of_a_file(self):
        with ThreadPoolExecutor(IN_PARALLEL) as pool:
            n = 1
            while all(pool.map(self.kill_and_check, range(n, n + IN_PARALLEL))):
                n += IN_PARALLEL
                self.assertLess(n, CHANGES_MAX)
        print(f"killed at {n} to {n + IN_PARALLEL - 1} changes", flush=True)
        self.assertGreater(n, 10)

    def test_token_file_that_cannot_be_written(self):
        data = os.path.join(self.root, "data")
        os.makedirs(os.path.join(data, "admin.token"))
        status, said = hone.run_honed("--data", data, "--listen", "127.0.0.1:0")
        self.assertEqual(status, 78)
        self.assertIn("admin.token: Is a directory", said)
        os.rmdir(os.path.join(data, "admin.token"))
        self.check(data)

    def test_second_start_changes_no_token(self):
        data = os.path.join(self.root, "data")
        texts = []
        for _ in range(2):
            with hone.Server(data=data) as server:
                texts.append([server.token(kind) for kind in ("admin", "worker")])
        self.assertEqual(texts[0], texts[1])


if __name__ == "__main__":
    hone.main()
