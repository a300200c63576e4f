#!/usr/bin/env python3
"""The dashboard as it is served: pages, files, their headers, and what a terminal gets instead."""

import gzip
import os
import pathlib
import re
import sys
import unittest
import urllib.parse

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import hone  # noqa: E402

SOURCES = pathlib.Path(__file__).resolve().parents[2] / "server" / "web"
sys.path.insert(0, str(SOURCES.parent))
import embed  # noqa: E402

BUDGET_BYTES = 70 * 1024  # of everything, compressed
BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
PAGES = {"/": "./", "/new": "./", "/workers": "./", "/studies/demo": "../",
         "/studies/demo/trials": "../../", "/studies/demo/brackets": "../../",
         "/studies/demo/trials/3": "../../../"}


def listed_files():
    """The names in server/web/meson.build."""
    text = (SOURCES / "meson.build").read_text()
    return re.findall(r"^  '([^']+)',$", text, re.M)


def references(name):
    """What a file loads, as names in server/web."""
    text = (SOURCES / name).read_text()
    if name.endswith(".js"):
        found = re.findall(r"""(?:\bfrom|\bimport)\s*\(?\s*['"](\.[^'"]+)['"]""", text)
    else:
        found = re.findall(r"""\{assets\}/([^"']+)""", text) + re.findall(r"url\(['\"]?([^)'\"]+)", text)
        found += re.findall(r"@import\s+['\"]([^'\"]+)", text)
    folder = os.path.dirname(name)
    return {os.path.normpath(os.path.join(folder, item)) for item in found
            if not item.startswith(("data:", "#"))}


def embedded():
    """What the build makes of the files, by name."""
    return embed.web_files("esbuild", SOURCES, listed_files())


class Web(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.server = hone.Server()
        cls.addClassCleanup(cls.server.__exit__)
        cls.server.start()
        cls.client = cls.server.client(None)
        cls.addClassCleanup(cls.client.close)
        page = cls.client.get("/", headers=BROWSER).body.decode()
        cls.folder = "/" + re.search(r'src="(assets/[0-9a-f]+)/app.js"', page).group(1)

    def test_pages_are_the_same_html_with_a_base_that_fits(self):
        for path, base in PAGES.items():
            reply = self.client.get(path, headers=BROWSER)
            self.assertEqual((path, reply.status), (path, 200))
            self.assertEqual(reply.headers["content-type"], "text/html; charset=utf-8")
            self.assertIn(f'<base href="{base}">', reply.body.decode())
            self.assertEqual(urllib.parse.urljoin(f"http://h{path}", base), "http://h/")
            self.assertNotIn("{", reply.body.decode())

    def test_an_address_without_a_page_is_a_page_that_leads_home(self):
        for path, base in {"/nope": "./", "/nope/": "../", "/studies": "./", "/studies/demo/nope": "../../",
                           "/studies/demo/trials/3/x": "../../../../"}.items():
            for method in ("GET", "HEAD"):
                reply = self.client.request(method, path, headers=BROWSER)
                self.assertEqual((path, reply.status), (path, 404))
                self.assertEqual(reply.headers["content-type"], "text/html; charset=utf-8")
                self.assertIn("content-security-policy", reply.headers)
                self.assertNotIn("etag", reply.headers)
                self.assertEqual(reply.headers["cache-control"], "no-store")
            self.assertIn(f'<base href="{base}">', self.client.get(path, headers=BROWSER).body.decode())

    def test_other_clients_are_told_so_as_ever(self):
        admin = self.server.client("admin")
        self.addCleanup(admin.close)
        for path, headers in (("/nope", {"Accept": "*/*"}), ("/nope", {}), ("/v1/nope", BROWSER), ("/assets/nope", BROWSER),
                              ("/problems/nope", BROWSER), ("/a/b/c/d/e/f/g", BROWSER), ("/a" * 40, BROWSER)):
            reply = admin.get(path, headers=headers)
            self.assertEqual((path, reply.status), (path, 404))
            self.assertEqual(reply.headers["content-type"], "application/problem+json")
        self.assertEqual(self.client.get("/v1/nope", headers=BROWSER).status, 401)
        self.assertEqual(self.client.get("/nope").status, 401)
        self.assertTrue(admin.get("/nope?format=text", headers=BROWSER).body.startswith(b"honed: 404 not-found: "))

    def test_pages_forbid_what_they_do_not_need(self):
        headers = self.client.get("/", headers=BROWSER).headers
        policy = dict(part.strip().split(" ", 1)
                      for part in headers["content-security-policy"].split(";"))
        self.assertEqual(policy, {
            "default-src": "'none'", "script-src": "'self'", "style-src": "'self'",
            "img-src": "'self' data: blob:", "connect-src": "'self'", "base-uri": "'self'",
            "form-action": "'none'", "frame-ancestors": "'none'",
            "require-trusted-types-for": "'script'", "trusted-types": "lit-html"})
        self.assertEqual(headers["x-content-type-options"], "nosniff")
        self.assertEqual(headers["referrer-policy"], "no-referrer")
        self.assertEqual(headers["cache-control"], "no-cache")
        self.assertEqual(headers["vary"], "Accept, Accept-Encoding")

    def test_pages_have_nothing_inline(self):
        text = self.client.get("/", headers=BROWSER).body.decode()
        self.assertNotRegex(text, r"<style|\sstyle=|\son[a-z]+=|<script(?![^>]*\ssrc=)")

    def test_a_terminal_gets_text_or_is_told_where(self):
        for path in PAGES:
            for headers in ({}, {"Accept": "*/*"}, {"Accept": "text/html;q=0, */*"}):
                reply = self.client.get(path, headers=headers)
                self.assertEqual(reply.headers["content-type"], "text/plain; charset=utf-8")
                self.assertIn("Accept", reply.headers["vary"])
                if path in ("/", "/new"):
                    self.assertIn("--json '{\"name\": \"demo\"", reply.body.decode())
                    continue
                self.assertEqual((path, reply.status), (path, 303))
                place = urllib.parse.urljoin(f"http://h{path}", reply.headers["location"])
                self.assertEqual(place, f"http://h/v1{path}?format=text")
                self.assertIn(f"/v1{path}?format=text", reply.body.decode())

    def test_no_name_gets_into_the_place_that_a_terminal_is_sent_to(self):
        for name in ("%0d%0aSet-Cookie:a=b", "%C2%9b2J", "%2e%2e", "Demo", "a" * 300, "%3fx",
                     "%22", "%5c", "%00", "..", "a%2fb"):
            reply = self.client.get(f"/studies/{name}")
            self.assertIn(reply.status, (400, 404), name)
            self.assertNotIn("location", reply.headers)
            self.assertNotIn("set-cookie", reply.headers)

    def test_files_are_served_as_they_are_and_compressed(self):
        total = 0
        for name, content in embedded().items():
            if name == "index.html":
                continue
            plain = self.client.get(f"{self.folder}/{name}")
            packed = self.client.get(f"{self.folder}/{name}", headers={"Accept-Encoding": "br, gzip"})
            self.assertEqual((name, plain.status, packed.status), (name, 200, 200))
            self.assertEqual(plain.body, content)
            self.assertEqual(gzip.decompress(packed.body), plain.body)
            self.assertNotIn("content-encoding", plain.headers)
            self.assertEqual(packed.headers["content-encoding"], "gzip")
            self.assertNotEqual(plain.headers["etag"], packed.headers["etag"])
            for reply in (plain, packed):
                self.assertEqual(reply.headers["cache-control"],
                                 "public, max-age=31536000, immutable")
                self.assertEqual(reply.headers["vary"], "Accept-Encoding")
                self.assertEqual(reply.headers["x-content-type-options"], "nosniff")
            total += len(packed.body)
        page = self.client.get("/", headers={**BROWSER, "Accept-Encoding": "gzip"})
        total += len(page.body)
        print(f"the dashboard has {total} bytes, compressed")
        self.assertLessEqual(total, BUDGET_BYTES)

    def test_own_files_are_one_shortened_file_and_texts_stay(self):
        source = (SOURCES / "table.js").read_text()
        served = self.client.get(f"{self.folder}/app.js").body.decode()
        self.assertIn("@param", source)
        self.assertNotIn("@param", served)
        self.assertNotIn('from"./view.js"', served)
        self.assertIn('<button class="primary">Sign in</button>', served)

    def test_types_are_what_browsers_insist_on(self):
        for name, kind in (("app.js", "text/javascript"), ("style.css", "text/css"), ("icon.svg", "image/svg+xml")):
            found = self.client.get(f"{self.folder}/{name}").headers["content-type"]
            self.assertEqual(found.split(";")[0], kind)

    def test_what_a_client_has_is_not_sent_again(self):
        for path in ("/", f"{self.folder}/app.js"):
            for coding in ({}, {"Accept-Encoding": "gzip"}):
                first = self.client.get(path, headers={**BROWSER, **coding})
                again = self.client.get(path, headers={**BROWSER, **coding,
                                                       "If-None-Match": first.headers["etag"]})
                self.assertEqual((again.status, again.body), (304, b""))
                self.assertEqual(again.headers["etag"], first.headers["etag"])
                self.assertEqual(again.headers["vary"], first.headers["vary"])
                self.assertEqual(again.headers["cache-control"], first.headers["cache-control"])
                other = self.client.get(path, headers={**BROWSER, **coding,
                                                       "If-None-Match": '"0"'})
                self.assertEqual(other.status, 200)

    def test_head_has_the_headers_of_get(self):
        for path in ("/", f"{self.folder}/app.js", "/studies/demo"):
            for headers in ({}, BROWSER, {**BROWSER, "Accept-Encoding": "gzip"}):
                get = self.client.get(path, headers=headers)
                head = self.client.request("HEAD", path, headers=headers)
                self.assertEqual((head.status, head.body), (get.status, b""))
                for volatile in ("date",):
                    get.headers.pop(volatile)
                    head.headers.pop(volatile)
                self.assertEqual(head.headers, get.headers)

    def test_what_is_no_file_of_this_version_is_not_found(self):
        folder = self.folder
        for path in (folder[:-1] + "/app.js", "/assets/0000000000000000/app.js", f"{folder}/index.html",
                     f"{folder}/nothing.js", f"{folder}/vendor/app.js", f"{folder}/lit-html.js",
                     f"{folder}/vendor/vendor.lock", f"{folder}/{'a' * 200}", f"{folder}/App.js",
                     f"{folder}/app.js%20", f"{folder}/vendor%5capp.js", f"/assets/{'f' * 500}/app.js"):
            reply = self.client.get(path, headers={"Accept-Encoding": "gzip"})
            self.assertEqual((path, reply.status), (path, 404))
            self.assertEqual(reply.type, "not-found")
            self.assertEqual(reply.headers["cache-control"], "no-store")
        for path in (f"{folder}/..%2fREADME.md", f"{folder}/../../v1/studies", f"{folder}/%2e%2e/app.js",
                     f"{folder}/.", f"{folder}//app.js", f"{folder}/app.js%00.css"):
            self.assertEqual((path, self.client.get(path).status), (path, 400))

    def test_only_reading_is_possible(self):
        for path in ("/new", "/studies/demo", f"{self.folder}/app.js"):
            for method in ("POST", "PUT", "PATCH", "DELETE"):
                reply = self.client.request(method, path)
                self.assertIn(reply.status, (401, 405), (method, path))

    def test_names_that_are_not_ours_get_nothing(self):
        for path in ("/", "/studies/demo", f"{self.folder}/app.js"):
            reply = self.client.get(path, headers={**BROWSER, "Host": "evil.example"})
            self.assertEqual((path, reply.status), (path, 403))

    def test_an_open_server_serves_the_same(self):
        with hone.Server(args=["--open"]) as server, server.client(None) as client:
            for path in (*PAGES, f"{self.folder}/app.js"):
                mine = client.get(path, headers=BROWSER)
                self.assertEqual(mine.body, self.client.get(path, headers=BROWSER).body)

    def test_every_file_that_is_loaded_is_listed(self):
        listed = set(listed_files())
        for name in sorted(listed):
            if name.endswith((".js", ".html", ".css")):
                self.assertEqual((name, references(name) - listed), (name, set()))
        for name in sorted(path.name for path in SOURCES.glob("*.*s*")):
            if name.endswith((".js", ".css", ".svg")):
                self.assertIn(name, listed)


if __name__ == "__main__":
    hone.main()
