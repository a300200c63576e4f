#!/usr/bin/env python3
"""What a user can do in the browser, and what stands between a click and something irrevocable."""

import json
import re

from harness import LR, NO_LOG, UNITS, BrowserTest, expect, main


class Steering(BrowserTest):
    NAMES = iter(range(1000))

    def setUp(self):
        super().setUp()
        self.allow(NO_LOG)
        self.name = f"s{next(self.NAMES)}"

    def begin(self, **more):
        self.make(self.name, parameters=[LR, UNITS, {"name": "opt", "type": "categorical", "choices": ["adam", "sgd"]}],
                  **{"limits": {"trials": 9, "failures": 9}, **more})
        return self.open(f"/studies/{self.name}")

    def study(self):
        return self.client.get(f"/v1/studies/{self.name}").json

    def press(self, name):
        self.page.get_by_role("button", name=name, exact=True).click()

    def head_says(self, state):
        expect(self.page.locator("main .head .state")).to_have_text(state)

    def test_a_study_is_paused_and_resumed(self):
        self.begin()
        self.press("Pause")
        self.head_says("paused")
        self.assertEqual(self.study()["state"], "paused")
        expect(self.page.get_by_text("It is paused. Resume it")).to_be_visible()
        self.press("Resume")
        self.head_says("running")
        self.assertEqual(self.study()["state"], "running")

    def test_stopping_wants_the_name(self):
        self.begin()
        lease = self.lease(self.name)
        self.press("Stop…")
        dialog = self.page.get_by_role("dialog")
        expect(dialog).to_contain_text("1 running trial")
        stop = dialog.get_by_role("button", name="Stop it")
        expect(stop).to_be_disabled()
        dialog.get_by_role("textbox").fill(self.name + "x")
        expect(stop).to_be_disabled()
        self.assertEqual(self.study()["state"], "running")
        dialog.get_by_role("textbox").fill(self.name)
        stop.click()
        self.head_says("stopped")
        self.assertEqual(self.worker.put(f"/v1/leases/{lease['lease']['id']}", {}).json["action"], "stop")

    def test_a_dialog_left_changes_nothing(self):
        self.begin()
        self.lease(self.name)
        self.press("Stop…")
        expect(self.page.get_by_role("dialog").get_by_role("textbox")).to_be_focused()
        self.page.keyboard.press("Escape")
        expect(self.page.get_by_role("dialog")).to_have_count(0)
        expect(self.page.get_by_role("button", name="Stop…")).to_be_focused()
        self.open(f"/studies/{self.name}/trials/1")
        self.press("Cancel…")
        self.press("Leave it")
        self.assertEqual(self.client.get(f"/v1/studies/{self.name}/trials/1").json["state"], "running")

    def test_failed_trials_are_tried_again(self):
        self.begin()
        for _ in range(2):
            self.run_one(self.name, outcome="failed", reason="oom")
        self.press("Retry 2 failed…")
        self.press("Try 2 again")
        expect(self.page.get_by_text("2 trials queued again.")).to_be_visible()
        self.assertEqual(self.study()["counts"]["queued"], 2)

    def test_limits_are_changed_and_faults_stand_at_their_fields(self):
        self.allow("422 (Unprocessable")
        self.begin()
        self.press("Limits…")
        dialog = self.page.get_by_role("dialog")
        field = dialog.get_by_label("Trials", exact=True)
        expect(field).to_have_value("9")
        field.fill("many")
        dialog.get_by_role("button", name="Set the limits").click()
        expect(field).to_have_attribute("aria-invalid", "true")
        self.assertEqual(self.study()["limits"]["trials"], 9)
        field.fill("40")
        dialog.get_by_label("Target").fill("0.5")
        dialog.get_by_role("button", name="Set the limits").click()
        expect(dialog).to_have_count(0)
        self.assertEqual((self.study()["limits"]["trials"], self.study()["limits"]["target"]), (40, 0.5))

    def test_a_configuration_of_ones_own_is_queued(self):
        self.allow("422 (Unprocessable")
        self.begin()
        self.press("Add a trial…")
        dialog = self.page.get_by_role("dialog")
        dialog.get_by_label("lr").fill("7")
        dialog.get_by_label("units").fill("16")
        dialog.get_by_label("opt").select_option("sgd")
        dialog.get_by_role("button", name="Queue it").click()
        expect(dialog.get_by_label("lr")).to_have_attribute("aria-invalid", "true")
        dialog.get_by_label("lr").fill("0.01")
        dialog.get_by_role("button", name="Queue it").click()
        expect(self.page.get_by_text("Trial #1 is queued.")).to_be_visible()
        self.assertEqual(self.client.get(f"/v1/studies/{self.name}/trials/1").json["parameters"],
                         {"lr": 0.01, "units": 16, "opt": "sgd"})

    def test_a_trial_is_cancelled_retried_and_copied(self):
        self.begin()
        first = self.lease(self.name)["trial"]
        self.open(f"/studies/{self.name}/trials/1")
        self.press("Cancel…")
        self.press("Cancel the trial")
        self.head_says("cancelled")
        self.press("Add a copy…")
        self.press("Queue it")
        self.wait_path("/trials/2$")
        self.assertEqual(self.client.get(f"/v1/studies/{self.name}/trials/2").json["parameters"], first["parameters"])
        self.run_one(self.name, outcome="failed", reason="oom")
        self.head_says("failed")
        self.press("Retry")
        self.head_says("queued")

    def test_a_refusal_is_said_and_nothing_is_lost(self):
        self.allow("409 (Conflict")
        self.begin()
        self.client.patch(f"/v1/studies/{self.name}", {"state": "stopped"})
        self.head_says("stopped")
        self.page.route("**/v1/studies/*", lambda route: route.fulfill(
            status=409, content_type="application/problem+json",
            body='{"type":"/problems/wrong-state","title":"x","detail":"It cannot run again.","status":409}')
            if route.request.method == "PATCH" else route.continue_())
        self.press("Resume")
        expect(self.page.get_by_text("It cannot run again.")).to_be_visible()
        self.head_says("stopped")


class Create(BrowserTest):
    def field(self, label, i=0):
        return self.page.get_by_label(label, exact=True).nth(i)

    def body(self):
        """What the JSON says once the form has been drawn."""
        self.page.evaluate("() => new Promise(requestAnimationFrame)")
        return json.loads(self.page.get_by_label("The study as JSON").input_value())

    def test_form_and_json_are_one(self):
        self.open("/new")
        self.field("Name").fill("by-form")
        self.field("Name").blur()
        self.field("To", 1).fill("64")
        self.field("To", 1).blur()
        self.assertEqual((self.body()["name"], self.body()["parameters"][1]["high"]), ("by-form", 64))
        body = {**self.body(), "name": "by-json", "labels": {"a": "b"}, "limits": {"trials": 3}}
        self.page.get_by_label("The study as JSON").fill(json.dumps(body))
        expect(self.field("Name")).to_have_value("by-json")
        self.page.get_by_label("The study as JSON").fill("{nothing")
        expect(self.page.get_by_role("button", name="Create the study")).to_be_disabled()
        self.page.get_by_label("The study as JSON").fill(json.dumps(body))
        self.page.get_by_role("button", name="Create the study").click()
        self.wait_path("/studies/by-json$")
        self.assertEqual(self.client.get("/v1/studies/by-json").json["labels"], {"a": "b"})

    def test_parameters_of_every_type_are_made(self):
        self.open("/new")
        self.field("Name").fill("types")
        self.page.get_by_role("button", name="Add a parameter").click()
        self.field("Name", 3).fill("opt")
        self.field("Type", 2).select_option("categorical")
        self.field("Choices").fill("adam, sgd, 3")
        self.page.get_by_role("button", name="Remove parameter 2").click()
        self.page.get_by_role("button", name="Create the study").click()
        self.wait_path("/studies/types$")
        parameters = self.client.get("/v1/studies/types").json["parameters"]
        self.assertEqual([p["name"] for p in parameters], ["lr", "opt"])
        self.assertEqual(parameters[1]["choices"], ["adam", "sgd", 3])

    def test_faults_of_the_server_stand_at_their_fields(self):
        self.allow("422 (Unprocessable")
        self.open("/new")
        self.field("Name").fill("Not A Name")
        self.field("From").fill("3")
        self.field("Trials").fill("-1")
        self.page.get_by_role("button", name="Create the study").click()
        for label in ("Name", "Trials"):
            expect(self.field(label)).to_have_attribute("aria-invalid", "true")
        expect(self.field("Name")).to_be_focused()
        described = self.field("Name").get_attribute("aria-describedby")
        expect(self.page.locator(f"#{described}")).to_be_visible()
        self.field("Name").fill("a-name")
        self.field("Name").blur()
        expect(self.field("Name")).to_have_attribute("aria-invalid", "false")

    def test_a_fault_without_a_field_is_said_with_its_place(self):
        self.allow("422 (Unprocessable")
        self.open("/new")
        body = {**self.body(), "constraints": ["lr >"], "colour": "red"}
        self.page.get_by_label("The study as JSON").fill(json.dumps(body))
        self.page.get_by_role("button", name="Create the study").click()
        expect(self.page.locator(".faults")).to_contain_text("/colour")

    def test_a_study_is_duplicated(self):
        self.client.post("/v1/studies", {"name": "old", "metric": "loss", "direction": "minimize", "parameters": [LR],
                                         "strategy": "auto", "seed": 3, "constraints": ["lr < 0.5"]})
        self.open("/studies/old")
        self.page.get_by_role("link", name="Duplicate").click()
        self.wait_path("/new")
        expect(self.field("Name")).to_have_value("old-2")
        self.page.get_by_role("button", name="Create the study").click()
        self.wait_path("/studies/old-2$")
        old, new = (self.client.get(f"/v1/studies/{name}").json for name in ("old", "old-2"))
        self.assertEqual(new["constraints"], old["constraints"])
        self.assertNotEqual(new["seed"], old["seed"])

    def test_advice_sets_the_strategy(self):
        self.open("/new")
        self.page.get_by_role("button", name="Which strategy fits?").click()
        first = self.page.locator(".advice li").first
        expect(first).to_be_visible()
        first.get_by_role("button", name="Use it").click()
        expect(self.page.get_by_label("The study as JSON")).not_to_have_value(re.compile('"strategy": "auto"'))
        self.assertIn("name", self.body()["strategy"])


if __name__ == "__main__":
    main()
