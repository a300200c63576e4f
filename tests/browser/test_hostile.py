#!/usr/bin/env python3
"""Names and values that mean harm are shown as the text that they are."""

import re

from harness import NO_LOG, BrowserTest, expect, main

SCRIPT = "<img src=x onerror=alert(1)><script>alert(2)</script>"
ESCAPE = "\x1b[2J\x1b]0;owned\x07red"
RIGHT_TO_LEFT = "\u202egnp.exe\u2066 \u05e9\u05dc\u05d5\u05dd"
LONG = "x" * 10_000
TEMPLATE = "${alert(1)}{{constructor}}</textarea>--><svg onload=alert(3)>"
VALUES = [SCRIPT, ESCAPE, RIGHT_TO_LEFT, TEMPLATE, LONG[:4000]]
NAMES = [SCRIPT, "\u05e9\u05dc\u05d5\u05dd", TEMPLATE, "n" * 128]  # the API refuses what cannot be seen in names
TAG = "<svg/onload=alert(4)>"  # without a blank


class Hostile(BrowserTest):
    @classmethod
    def make_studies(cls):
        parameters = [{"name": name, "type": "categorical", "choices": VALUES + [1, None, [SCRIPT], {"a": SCRIPT}]}
                      for name in NAMES]
        reply = cls.client.post("/v1/studies", {
            "name": "hostile", "description": SCRIPT + RIGHT_TO_LEFT + ESCAPE + "d" * 10_000,
            "labels": {"script": SCRIPT, "rtl": RIGHT_TO_LEFT, "long": LONG[:250]}, "parameters": parameters, "strategy": "random",
            "objectives": [{"metric": SCRIPT, "direction": "minimize"}], "seed": 1,
            "constraints": [f"`{SCRIPT}` != '{TEMPLATE}'"], "subject_to": [f"`{SCRIPT}` <= 1"],
            "requires": {"labels": {"script": SCRIPT}}})
        assert reply.status == 201, reply
        ask = {"worker": "w" * 128, "labels": {"script": SCRIPT, TAG: TAG},
               "gpus": [{"model": SCRIPT, "memory_mib": 1}], "health": {"ok": False, "reason": SCRIPT}}
        for i in range(6):
            path = cls.lease_of("hostile", **ask, request_id=f"{TAG}{i}")
            if i == 0:  # trial 1 has two attempts
                cls.end(path, outcome="preempted", reason=SCRIPT, detail=TEMPLATE,
                        checkpoint={"uri": SCRIPT, "step": 1})
                attempt = cls.client.get("/v1/studies/hostile/trials/1/attempts").json["items"][0]
                assert (attempt["checkpoint"]["uri"], attempt["detail"]) == (SCRIPT, TEMPLATE), attempt
                path = cls.lease_of("hostile", **ask)
            cls.worker.post(f"{path}/log", raw=SCRIPT + ESCAPE + RIGHT_TO_LEFT + LONG, headers={"Content-Type": "text/plain"})
            metrics = {SCRIPT: i, NAMES[1]: 1.5, TEMPLATE: 2, "m" * 128: 3}
            cls.worker.post(f"{path}/measurements", {"measurements": [{"step": s, "metrics": metrics} for s in (1, 2)]})
            if i % 3:
                cls.worker.put(f"{path}/result", {"outcome": "failed", "reason": (SCRIPT if i % 2 else RIGHT_TO_LEFT)[:64],
                                                  "detail": SCRIPT + LONG[:4000]})
            else:
                cls.worker.put(f"{path}/result", {"outcome": "completed", "metrics": metrics, "checkpoint": SCRIPT})
        cls.make_more()

    @classmethod
    def make_more(cls):
        """Texts that the first study has no place for, and those that belong to none."""
        parent = {"name": SCRIPT, "type": "categorical", "choices": [SCRIPT, TEMPLATE], "default": SCRIPT,
                  "removed": [{"index": 1, "value": f"removed {SCRIPT}"}]}
        parameters = [parent, {"name": NAMES[1], "type": "ordinal", "choices": VALUES,
                               "when": {SCRIPT: [SCRIPT, TEMPLATE]}},
                      {"name": TEMPLATE, "type": "constant", "value": SCRIPT}]
        reply = cls.client.post("/v1/studies", {
            "name": "more", "metric": SCRIPT, "direction": "maximize", "parameters": parameters,
            "subject_to": [f"`never {SCRIPT}` <= 1", f"`{TEMPLATE}` >= 9"],
            "strategy": {"name": "auto", "chosen": {"name": "bayesian", "because": [SCRIPT]}}})
        assert reply.status == 201, reply
        because = reply.json["strategy"]["chosen"]["because"]
        assert because and SCRIPT not in because, because  # the server's own sentences: the client's are not kept
        parameters = {SCRIPT: TEMPLATE, NAMES[1]: SCRIPT, TEMPLATE: SCRIPT}
        added = [{"parameters": parameters, "state": "completed", "metrics": {SCRIPT: 1, TEMPLATE: 2},
                  "measurements": [{"step": 1, "metrics": {SCRIPT: 1, f"m {SCRIPT}": 2}}]},
                 {"parameters": {SCRIPT: f"removed {SCRIPT}", TEMPLATE: SCRIPT}, "state": "completed", "value": 2,
                  "outside": True}]
        reply = cls.client.post("/v1/studies/more/trials", added)
        assert reply.status == 201, reply
        # A node where three trials fail while another one's has a value is put into quarantine.
        for name in ("ill:0", "well:0", "ill:0", "ill:0"):
            lease = cls.lease_of("more", worker=name, health={"ok": False, "reason": SCRIPT})
            if name == "well:0":
                cls.end(lease, outcome="completed", metrics={SCRIPT: 3, TEMPLATE: 4}, checkpoint=SCRIPT)
            else:
                cls.end(lease, outcome="failed", reason=SCRIPT, detail=TEMPLATE)
        workers = {w["name"]: w for w in cls.client.get("/v1/workers").json["items"]}
        assert workers["ill:0"]["state"] == "quarantined" and workers["w" * 128]["reason"] == SCRIPT, workers
        reply = cls.worker.post("/v1/leases", {"worker": "other:0", "runners": [SCRIPT]})  # there is no such study
        assert reply.json["lease"] is None, reply
        reply = cls.client.patch("/v1/studies/more", {"description": SCRIPT, "labels": {"script": TEMPLATE}})
        assert reply.status == 200, reply
        reply = cls.client.post("/v1/tokens", {"name": SCRIPT, "scopes": ["read"]})
        assert (reply.status, reply.json["name"]) == (201, SCRIPT), reply
        reply = cls.client.post("/v1/studies/more/trials", {"parameters": parameters}, headers={"Idempotency-Key": TAG})
        assert reply.status == 201, reply

    @classmethod
    def lease_of(cls, study, **ask):
        return f"/v1/leases/{cls.worker.post(f'/v1/studies/{study}/leases', ask).json['lease']['id']}"

    @classmethod
    def end(cls, lease, **result):
        reply = cls.worker.put(f"{lease}/result", result)
        assert reply.status == 200, reply

    def harmless(self):
        """Nothing that the strings hold has become part of the page, and nothing is wider than it."""
        self.assertEqual(self.page.locator("img, script:not([src]), svg[onload], iframe").count(), 0)
        self.assertEqual(self.page.evaluate("() => [...document.querySelectorAll('*')].filter((e) => "
                                            "[...e.attributes].some((a) => /^on/.test(a.name))).length"), 0)
        self.assertEqual(self.wide_things(), [])

    def test_every_page_shows_text(self):
        self.allow(NO_LOG)
        for path in ("/", "/studies/hostile", "/studies/hostile/trials?sel=1,2&slices=1", "/studies/hostile/trials/1",
                     "/studies/hostile/trials/2", "/studies/hostile/trials/4", "/studies/hostile/brackets", "/workers",
                     "/new?from=hostile", "/studies/more", "/studies/more/trials?sel=1,2&slices=1",
                     "/studies/more/trials/1", "/studies/more/trials/2", "/studies/more/trials/3",
                     "/studies/more/trials/4", "/new?from=more"):
            with self.subTest(path):
                self.open(path)
                expect(self.page.locator("h1").first).to_be_visible()
                self.harmless()

    def test_what_the_interface_answers_shows_text_in_a_browser_too(self):
        self.allow("Failed to load resource")
        refused = ("/v1/studies/<svg onload=alert(3)>", f"/v1/studies?format={TAG}", "/v1/tokens/<svg onload=alert(3)>")
        shown = ("/v1/studies", "/v1/workers", "/v1/workers?format=table", "/v1/tokens", "/v1/tokens?format=table",
                 "/metrics", *(f"/v1/studies/{study}{of}" for study in ("hostile", "more") for of in (
                     "", "/report", "/paper", "/trials", "/trials?format=table", "/trials/4", "/trials/4/explain",
                     "/trials/4/attempts")))
        for path in (*shown, "/v1/audit", *refused):
            with self.subTest(path):
                reply = self.page.goto(self.server.url + path)
                self.assertEqual(reply.ok, path not in refused, reply.status)
                self.harmless()
                if path in shown:
                    self.assertIn(SCRIPT[:20], self.page.locator("body").inner_text())

    def test_dialogs_and_narrow_screens_too(self):
        self.page.set_viewport_size({"width": 390, "height": 800})
        self.open("/studies/hostile")
        self.harmless()
        self.page.get_by_role("button", name="Add a trial…").click()
        expect(self.page.get_by_role("dialog")).to_contain_text("<img src=x")
        self.harmless()

    def test_what_the_strings_say_is_readable(self):
        self.open("/studies/hostile")
        expect(self.page.locator(".description")).to_contain_text(SCRIPT)
        expect(self.page.locator(".meta b").first).to_have_text(SCRIPT)
        self.open("/studies/hostile/trials/2")
        expect(self.page.locator(".log")).to_contain_text(SCRIPT)
        expect(self.page.locator(".log")).to_contain_text("\\x1b[2J")
        self.assertNotIn("\x1b", self.page.locator("main").inner_text())

    def test_constraints_health_and_bounds_are_readable(self):
        self.open("/studies/hostile")
        expect(self.page.locator(".meta")).to_contain_text(f"subject to `{SCRIPT}` <= 1")
        self.open("/studies/hostile/trials/4")
        expect(self.page.locator("main")).to_contain_text(f"violates `{SCRIPT}` <= 1")
        self.open("/new?from=hostile")
        expect(self.page.locator("textarea").last).to_have_value(re.compile(re.escape(f"`{SCRIPT}` != '{TEMPLATE}'")))
        self.open("/studies/more")
        expect(self.page.locator(".findings")).to_contain_text(f"No trial has reported never {SCRIPT}")
        expect(self.page.locator(".findings")).to_contain_text("ill:0 is quarantined")
        expect(self.page.locator("details.why li").first).not_to_be_empty()
        self.assertNotIn(SCRIPT, self.page.locator("details.why").text_content())
        self.open("/workers")
        self.assertIn(SCRIPT, self.page.locator(".state").evaluate_all("(all) => all.map((e) => e.title)"))

    def refused(self, call, path, body, pointer):
        """The request is refused for the field, and the answer, which quotes what it was, is no page."""
        with self.subTest(pointer, body=body):
            reply = call(path, body)
            self.assertEqual((reply.status, reply.type), (422, "invalid"), reply)
            self.assertTrue(reply.json["errors"][0]["pointer"].startswith(pointer), reply)
            self.assertEqual(reply.headers["content-type"], "application/problem+json")
            self.assertEqual(reply.headers["x-content-type-options"], "nosniff")

    def test_names_take_no_script(self):
        base = {"name": "refused", "metric": "m", "direction": "minimize",
                "parameters": [{"name": "x", "type": "float", "low": 0, "high": 1}]}
        choice = {"name": "c", "type": "categorical", "choices": ["a", "b"]}
        for pointer, more in {
                "/name": {"name": TAG}, "/direction": {"direction": TAG}, "/labels": {"labels": {TAG: "v"}},
                "/requires/labels": {"requires": {"labels": {TAG: "v"}}}, "/job/runner": {"job": {"runner": TAG}},
                "/resource/name": {"resource": {"name": TAG, "max": 9}}, "/strategy": {"strategy": {"name": TAG}},
                "/stopping/rule": {"stopping": {"rule": TAG}},
                "/strategy/chosen": {"strategy": {"name": "auto", "chosen": {"name": TAG}}},
                "/constraints/0": {"constraints": [TAG]}, "/subject_to/0": {"subject_to": [TAG]},
                "/after/0": {"after": [TAG]},
                "/objectives/0/fold": {"metric": None, "direction": None, "objectives": [
                    {"metric": "m", "direction": "minimize", "fold": TAG}]},
                "/metric": {"metric": SCRIPT + ESCAPE},
                "/parameters/0/type": {"parameters": [{"name": "x", "type": TAG}]},
                "/parameters/0/name": {"parameters": [{**choice, "name": ESCAPE}]},
                "/parameters/0/scale": {"parameters": [{**base["parameters"][0], "scale": TAG}]},
                "/parameters/0/distribution": {"parameters": [{**base["parameters"][0], "distribution": TAG}]},
                "/parameters/0/default": {"parameters": [{**choice, "default": TAG}]},
                "/parameters/1/when": {"parameters": [choice, {**base["parameters"][0], "when": {TAG: ["a"]}}]},
        }.items():
            self.refused(self.client.post, "/v1/studies", {**base, **more}, pointer)
        for pointer, body in {"/worker": {"worker": TAG}, "/host": {"host": TAG}, "/studies/0": {"studies": [TAG]},
                              "/request_id": {"request_id": SCRIPT}}.items():
            self.refused(self.worker.post, "/v1/leases", body, pointer)
        lease = self.lease_of("more", worker="well:0")
        place = {"uri": SCRIPT, "reach": f"host:{TAG}"}
        for pointer, body in {"/outcome": {"outcome": TAG},
                              "/checkpoint/reach": {"outcome": "preempted", "checkpoint": place},
                              "/metrics": {"outcome": "completed", "metrics": {ESCAPE: 1}}}.items():
            self.refused(self.worker.put, f"{lease}/result", body, pointer)
        self.assertEqual(self.worker.delete(lease).status, 204)
        self.refused(self.client.patch, "/v1/studies/more", {"state": TAG}, "/state")
        self.refused(self.client.patch, "/v1/studies/more", {"labels": {TAG: "v"}}, "/labels")
        self.refused(self.client.patch, "/v1/studies/more/trials/1", {"state": TAG}, "/state")
        self.refused(self.client.post, "/v1/studies/more/trials", {"parameters": {}, "state": TAG}, "/state")
        self.refused(self.client.post, "/v1/tokens", {"name": "t", "scopes": [TAG]}, "/scopes")
        self.refused(self.client.post, "/v1/tokens", {"name": "t" * 64, "scopes": ["read"]}, "/name")
        self.refused(self.client.post, "/v1/backups", {"name": TAG}, "/name")

    def test_addresses_that_mean_harm_do_none(self):
        self.allow("404 (Not", "400 (Bad")
        for path in (f"/studies/hostile/trials?q={SCRIPT}&sel={SCRIPT}&cols={SCRIPT}&ranges={SCRIPT}&sort={SCRIPT}",
                     f"/studies/hostile?by={SCRIPT}&metric={SCRIPT}&ranges=[1]", f"/?q={SCRIPT}",
                     "/studies/hostile/trials?ranges=%7B%22__proto__%22:[[0,1]],%22x%22:[[null,1]]%7D",
                     f"/studies/hostile/trials/1?metric={SCRIPT}&attempt={SCRIPT}", f"/new?from={SCRIPT}"):
            with self.subTest(path):
                self.page.goto(self.server.url + path)
                self.ready()
                self.harmless()

    def test_a_choice_can_be_made_of_hostile_values(self):
        self.open("/studies/hostile")
        self.page.get_by_role("button", name="Add a trial…").click()
        dialog = self.page.get_by_role("dialog")
        for i, value in enumerate((SCRIPT, RIGHT_TO_LEFT, TEMPLATE, ESCAPE)):
            dialog.locator("select").nth(i).select_option(value)
        dialog.get_by_role("button", name="Queue it").click()
        expect(self.page.get_by_text("is queued.")).to_be_visible()
        found = list(self.client.walk("/v1/studies/hostile/trials"))[-1]["parameters"]
        self.assertEqual(list(found.values()), [SCRIPT, RIGHT_TO_LEFT, TEMPLATE, ESCAPE])

    def test_names_that_every_object_has_are_names_like_others(self):
        names = ["constructor", "__proto__", "hasOwnProperty", "toString"]
        metrics = {"constructor": 2, "__proto__": 3, "toString": 4, "valueOf": "NaN"}
        self.make("members", parameters=[{"name": n, "type": "float", "low": 0, "high": 1} for n in names],
                  objectives=[{"metric": "constructor", "direction": "maximize"}], resource={"name": "toString", "min": 1, "max": 9})
        for i in range(4):
            lease = self.lease("members")
            self.worker.post(f"/v1/leases/{lease['lease']['id']}/measurements",
                             {"measurements": [{"step": s, "metrics": {**metrics, "constructor": i + s}} for s in (1, 2)]})
            self.put(lease, outcome="completed", metrics={**metrics, "constructor": i + 3})
        for path in ("", "/trials?sel=1,2&slices=1", "/trials?ranges=%7B%22constructor%22:[[0,1]]%7D", "/trials/1"):
            self.open(f"/studies/members{path}")
            expect(self.page.locator("main")).to_contain_text("constructor")
        expect(self.page.locator("main")).to_contain_text("__proto__")  # of the trial, the last page
        expect(self.page.locator("main")).to_contain_text("valueOf")
        for path in ("/studies/members?metric=toString", "/studies/members/trials?cols=metrics.__proto__,metrics.toString",
                     "/studies/members/trials?sort=metrics.constructor", "/studies/members/trials?q=metrics.toString>1",
                     "/studies/members/brackets", "/new?from=members", "/workers", "/"):
            self.open(path)
            expect(self.page.locator("h1").first).to_be_visible()
        self.open("/studies/members")
        self.page.get_by_role("button", name="Add a trial…").click()
        dialog = self.page.get_by_role("dialog")
        for i in range(len(names)):
            expect(dialog.locator("input").nth(i)).to_have_value("")
            dialog.locator("input").nth(i).fill("0.5")
        dialog.get_by_role("button", name="Queue it").click()
        expect(self.page.get_by_text("is queued.")).to_be_visible()
        found = list(self.client.walk("/v1/studies/members/trials"))[-1]["parameters"]
        self.assertEqual(found, dict.fromkeys(names, 0.5))


if __name__ == "__main__":
    main()
