#!/usr/bin/env python3
"""What the pages do when the connection or the server goes: what was shown stays, nothing is missed."""

import re

from harness import LR, NO_LOG, BrowserTest, expect, main

# document.hidden as the test says; Playwright's pages are always visible.
HIDE = """
window.hiddenByTest = false;
Object.defineProperty(document, 'hidden', {get: () => window.hiddenByTest});
"""


class Lost(BrowserTest):
    def setUp(self):
        super().setUp()
        self.allow("net::ERR_", "503 (Service")
        self.name = "s" + str(sum(1 for _ in self.client.walk("/v1/studies")))
        self.make(self.name, parameters=[LR])

    def is_live(self, page=None):
        expect((page or self.page).locator(".connection")).to_have_text("live")

    def complete(self, value):
        self.run_one(self.name, outcome="completed", metrics={"loss": value})

    def best_is(self, value, page=None):
        expect((page or self.page).locator(".big").nth(1)).to_have_text(str(value))

    def streams(self, context):
        """The requests for streams that a context makes from now on."""
        found = []
        context.on("request", lambda r: "/v1/events" in r.url and found.append(r))
        return found

    def test_a_restart_of_the_server_is_told_and_got_over(self):
        self.open(f"/studies/{self.name}")
        self.is_live()
        self.complete(0.75)
        self.best_is(0.75)
        type(self).server.stop()
        expect(self.page.locator(".connection")).to_contain_text("reconnecting, as of")
        self.best_is(0.75)
        self.server.start()
        for client in ("client", "worker"):
            getattr(self, client).close()
        self.is_live()
        self.complete(0.5)
        self.best_is(0.5)

    def test_what_happens_while_the_connection_is_lost_is_shown_afterwards(self):
        self.open(f"/studies/{self.name}")
        self.is_live()
        self.context.set_offline(True)
        self.page.route("**/v1/**", lambda route: route.abort())
        self.page.evaluate("() => window.dispatchEvent(new Event('online'))")  # tries at once
        expect(self.page.locator(".connection")).to_contain_text("reconnecting")
        self.complete(0.25)
        self.client.patch(f"/v1/studies/{self.name}", {"state": "paused"})
        self.page.unroute("**/v1/**")
        self.context.set_offline(False)
        self.is_live()
        self.best_is(0.25)
        expect(self.page.locator("main .head .state")).to_have_text("paused")

    def test_a_page_that_was_asked_for_in_vain_comes_with_the_server(self):
        self.page.route("**/v1/**", lambda route: route.abort())
        self.page.goto(f"{self.server.url}/studies/{self.name}")
        expect(self.page.get_by_role("alert")).to_contain_text("does not answer")
        self.page.unroute("**/v1/**")
        expect(self.page.get_by_role("heading", level=1)).to_have_text(self.name)

    def test_where_events_are_no_longer_kept_everything_is_read_again(self):
        self.allow("410 (Gone")
        self.open(f"/studies/{self.name}")
        self.is_live()
        self.complete(0.75)
        self.best_is(0.75)
        self.context.set_offline(True)
        self.page.evaluate("() => window.dispatchEvent(new Event('online'))")
        expect(self.page.locator(".connection")).to_contain_text("reconnecting")
        self.complete(0.25)
        self.page.route(re.compile("/v1/events\\?after=\\d"), lambda route: route.fulfill(
            status=410, content_type="application/problem+json", body='{"status":410,"title":"gone"}'))
        self.context.set_offline(False)
        self.is_live()
        self.best_is(0.25)

    def test_where_no_stream_can_be_had_the_page_asks_now_and_then(self):
        self.page.route(re.compile("/v1/events\\?after=(now|\\d+)$"), lambda route: route.fulfill(
            status=503, content_type="application/problem+json", body='{"status":503,"title":"overloaded"}'))
        self.open(f"/studies/{self.name}")
        expect(self.page.locator(".connection")).to_contain_text("every 2 s")
        self.complete(0.125)
        self.best_is(0.125)

    def log(self, lease, text):
        path = f"/v1/leases/{lease['lease']['id']}/log?offset=0"
        reply = self.worker.request("POST", path, raw=text.encode(),
                                    headers={"Content-Type": "text/plain"})
        self.assertEqual(reply.status, 200, reply)

    def refuse(self, page, pattern):
        """Answers 503 to requests like this until the route is taken away; → (the route, what came)."""
        refused = []

        def answer(route):
            refused.append(route.request.url)
            route.fulfill(status=503, headers={"Retry-After": "1"}, content_type="application/problem+json",
                          body='{"status":503,"title":"overloaded"}')
        route = re.compile(pattern)
        page.route(route, answer)
        return route, refused

    def test_a_table_keeps_its_rows_while_the_server_is_busy_and_then_has_the_new_ones(self):
        self.complete(0.75)
        page = self.open(f"/studies/{self.name}/trials")
        self.is_live()
        rows = page.locator("main tbody tr")
        expect(rows).to_have_count(1)
        route, refused = self.refuse(page, "/trials/columns")
        with page.expect_response(lambda r: r.status == 503):
            self.complete(0.5)
        expect(rows).not_to_have_count(0)  # a read that was under way may have brought the second one
        page.unroute(route)  # nothing happens any more: it has to ask by itself
        expect(rows).to_have_count(2)
        expect(page.locator("main")).to_contain_text("0.5")
        self.assertTrue(refused)

    def test_a_trial_keeps_what_it_shows_while_the_server_is_busy_and_then_is_up_to_date(self):
        self.allow(NO_LOG)
        lease = self.lease(self.name)
        self.log(lease, "epoch 1 of the job\n")
        page = self.open(f"/studies/{self.name}/trials/1")
        self.is_live()
        expect(page.locator(".log")).to_contain_text("epoch 1")
        expect(page.locator("main table.list tbody tr")).to_have_count(1)
        route, refused = self.refuse(page, r"/trials/1(/.*)?(\?.*)?$")
        with page.expect_response(lambda r: r.status == 503 and "/log" in r.url):
            self.put(lease, outcome="completed", metrics={"loss": 0.5})
        expect(page.locator(".log")).to_contain_text("epoch 1")
        expect(page.locator("main table.list tbody tr")).to_have_count(1)
        expect(page.locator("main .head .state")).to_have_text("running")
        page.unroute(route)
        expect(page.locator("main .head .state")).to_have_text("completed")
        expect(page.locator(".log")).to_contain_text("epoch 1")
        self.assertTrue(refused)

    def test_the_log_of_a_trial_comes_although_the_server_was_busy_at_first(self):
        lease = self.lease(self.name)
        self.log(lease, "epoch 1 of the job\n")
        route, refused = self.refuse(self.page, "/log")
        page = self.open(f"/studies/{self.name}/trials/1")
        self.assertTrue(refused)
        page.unroute(route)
        expect(page.locator(".log")).to_contain_text("epoch 1")

    def test_tabs_share_one_stream_and_another_takes_over(self):
        streams = self.streams(self.context)
        self.open(f"/studies/{self.name}")
        self.is_live()
        second = self.open(f"/studies/{self.name}", self.new_page())
        self.is_live(second)
        self.complete(0.5)
        self.best_is(0.5)
        self.best_is(0.5, second)
        self.assertEqual(len(streams), 1)
        # The first tab relays what comes until it is gone, so wait for the second one's own stream.
        with self.context.expect_event("request", lambda r: "/v1/events" in r.url):
            self.page.close()
        self.complete(0.375)
        self.best_is(0.375, second)
        self.is_live(second)
        self.assertEqual(len(streams), 2)

    def test_a_hidden_tab_gives_its_stream_up(self):
        self.context.add_init_script(HIDE)
        self.page.clock.install()
        streams = self.streams(self.context)
        self.open(f"/studies/{self.name}")
        self.is_live()
        self.page.evaluate("() => { window.hiddenByTest = true; }")
        self.page.clock.fast_forward(30_000)
        self.is_live()
        for _ in range(3):
            self.page.clock.fast_forward(20_000)
        expect(self.page.locator(".connection")).to_contain_text("paused while hidden")
        self.complete(0.0625)
        before = len(streams)
        self.page.evaluate("() => { window.hiddenByTest = false; document.dispatchEvent(new Event('visibilitychange')); }")
        self.page.clock.run_for(5_000)
        self.is_live()
        self.best_is(0.0625)
        self.assertEqual(len(streams), before + 1)

    def test_a_deleted_study_is_told(self):
        self.allow("404 (Not")
        self.open("/")
        row = self.page.get_by_role("row").filter(has_text=self.name)
        expect(row).to_be_visible()
        self.client.delete(f"/v1/studies/{self.name}?force=true")
        expect(row).to_have_count(0)

    def test_a_study_in_the_place_of_a_deleted_one_is_shown_alone(self):
        self.allow("404 (Not")
        for value in (0.75, 0.5, 0.25):
            self.complete(value)
        trials, trial = self.open(f"/studies/{self.name}/trials"), self.new_page()
        self.open(f"/studies/{self.name}/trials/1", trial)
        study = self.open(f"/studies/{self.name}", self.new_page())
        for page in (trials, trial, study):
            self.is_live(page)
        self.client.delete(f"/v1/studies/{self.name}")
        self.make(self.name, parameters=[{**LR, "name": "another"}])
        self.complete(0.9)
        expect(trials.locator("main")).to_contain_text("0.9")
        expect(trials.locator("main tbody tr")).to_have_count(1)
        expect(trials.locator("main")).not_to_contain_text(LR["name"])
        expect(trial.locator("main")).to_contain_text("another")
        expect(trial.locator("main")).not_to_contain_text(LR["name"])
        self.best_is(0.9, study)
        expect(study.locator("main")).not_to_contain_text(LR["name"])


if __name__ == "__main__":
    main()
