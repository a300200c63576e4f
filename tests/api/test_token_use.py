#!/usr/bin/env python3
"""When a token was last used: known at once, kept over a restart, and no write for a read."""

import datetime
import os
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import hone  # noqa: E402


class TokenUse(unittest.TestCase):
    def setUp(self):
        self.server = hone.Server()
        self.addCleanup(self.server.__exit__)
        self.server.start()

    def make(self, admin, *scopes):
        made = admin.post("/v1/tokens", {"scopes": list(scopes)})
        self.assertEqual(made.status, 201, made)
        self.assertIsNone(made.json["last_used_at"])
        return made.json

    def last_use(self, admin, token):
        items = admin.get("/v1/tokens").json["items"]
        text = next(item["last_used_at"] for item in items if item["id"] == token["id"])
        return None if text is None else datetime.datetime.fromisoformat(text.replace("Z", "+00:00"))

    def use(self, token, path="/v1/studies", text=None):
        with hone.Client(self.server.url, text or token["token"]) as client:
            return client.get(path).status

    def commits(self, admin):
        lines = admin.get("/metrics").body.decode().splitlines()
        return next(int(line.split()[1]) for line in lines if line.startswith("hone_store_commits_total "))

    def test_use_is_seen_at_once(self):
        with self.server.client() as admin:
            token, other = self.make(admin, "read"), self.make(admin, "read")
            self.assertIsNone(self.last_use(admin, token))
            before = datetime.datetime.now(datetime.timezone.utc)
            self.assertEqual(self.use(token), 200)
            first = self.last_use(admin, token)
            self.assertLess(abs((first - before).total_seconds()), 60)
            self.assertEqual(self.use(token, "/v1/tokens"), 403)  # let in, though not there
            self.assertGreaterEqual(self.last_use(admin, token), first)
            self.assertIsNone(self.last_use(admin, other))
            self.make(admin, "read")  # the table of tokens is made anew
            self.assertGreaterEqual(self.last_use(admin, token), first)

    def test_attempts_with_a_wrong_secret_are_no_use(self):
        with self.server.client() as admin:
            token = self.make(admin, "read")
            self.assertEqual(self.use(token, text=token["token"][:-4] + "aaaa"), 401)
            self.assertIsNone(self.last_use(admin, token))
            admin.delete(f"/v1/tokens/{token['id']}")
            self.assertEqual(self.use(token), 401)
            self.assertIsNone(self.last_use(admin, token))

    def test_a_revoked_token_still_says_when_it_was_used(self):
        with self.server.client() as admin:
            token = self.make(admin, "read")
            self.assertEqual(self.use(token), 200)
            seen = self.last_use(admin, token)
            self.assertEqual(admin.delete(f"/v1/tokens/{token['id']}").status, 204)
            self.assertEqual(self.last_use(admin, token), seen)

    def test_reads_write_nothing(self):
        with self.server.client() as admin:
            token = self.make(admin, "read")
            before = self.commits(admin)
            for _ in range(20):
                self.assertEqual(self.use(token), 200)
            self.assertEqual(self.commits(admin), before)

    def test_it_is_kept_over_a_stop(self):
        with self.server.client() as admin:
            token, other = self.make(admin, "read"), self.make(admin, "read")
            self.assertEqual(self.use(token), 200)
            seen = self.last_use(admin, token)
        self.assertEqual(self.server.stop(), 0)
        self.server.start()
        with self.server.client() as admin:
            self.assertEqual(self.last_use(admin, token), seen)
            self.assertIsNone(self.last_use(admin, other))

    def test_it_is_kept_though_a_group_was_undone(self):
        """On a disk that is full while the uses are written, and then is not."""
        full = os.path.join(self.server.data, "files", "full")
        self.assertEqual(self.server.stop(), 0)
        self.server.env.update(hone.preload_env(HONE_TEST_FULL=full))
        self.server.start()
        with self.server.client() as admin:
            token = self.make(admin, "read")
            self.assertEqual(self.use(token), 200)
            seen = self.last_use(admin, token)
            with open(full, "w", encoding="ascii"):
                pass
            self.assertEqual(admin.post("/v1/tokens", {"scopes": ["read"]}).type, "storage-full")
            os.remove(full)
            hone.wait_until(lambda: admin.post("/v1/tokens", {"scopes": ["read"]}).status == 201, 30, "space")
        self.server.kill()
        self.server.start()
        with self.server.client() as admin:
            self.assertEqual(self.last_use(admin, token), seen)

    def test_it_is_there_in_tables(self):
        with self.server.client() as admin:
            self.assertIn("last_used_at", admin.get("/v1/tokens?format=csv").body.decode().splitlines()[0])


if __name__ == "__main__":
    hone.main()
