#!/usr/bin/env python3
"""Tokens: asked for, kept for the tab, out of the address, and asked for again when one ends."""

from harness import LR, BrowserTest, expect, main


class SignIn(BrowserTest):
    SERVER = []

    @classmethod
    def make_studies(cls):
        cls.client.post("/v1/studies", {"name": "s", "metric": "loss", "direction": "minimize", "parameters": [LR],
                                        "strategy": "random"})

    def setUp(self):
        super().setUp()
        self.allow("401 (Unauthorized)")

    def new_token(self, scopes=("read",)):
        return self.client.post("/v1/tokens", {"name": "browser", "scopes": list(scopes)}).json

    def dialog(self, page=None):
        return (page or self.page).get_by_role("dialog", name="Sign in")

    def give(self, token):
        self.dialog().get_by_label("Token").fill(token)
        self.dialog().get_by_role("button", name="Sign in").click()

    def test_a_token_is_asked_for_and_kept_for_the_tab(self):
        self.page.goto(self.server.url + "/studies/s")
        expect(self.dialog()).to_contain_text("This server wants a token.")
        for wrong, said in (("hp_nothing_at_all", "does not know this token"), ("two words", "has no blanks")):
            self.give(wrong)
            expect(self.dialog().get_by_role("alert")).to_contain_text(said)
        self.give(self.new_token()["token"])
        expect(self.dialog()).to_have_count(0)
        expect(self.page.get_by_role("heading", level=1)).to_have_text("s")
        self.page.reload()
        self.ready()
        expect(self.page.get_by_role("heading", level=1)).to_have_text("s")
        stored = self.page.evaluate("() => [Object.keys(localStorage).join(), document.cookie, sessionStorage.length]")
        self.assertEqual(stored, ["", "", 1])

    def test_a_token_in_the_address_is_taken_out_of_it(self):
        token = self.new_token()["token"]
        self.page.goto(f"{self.server.url}/studies/s?by=time#token={token}")
        self.ready()
        self.assertEqual(self.path(), "/studies/s?by=time")
        self.assertNotIn(token, self.page.content())
        self.page.get_by_role("link", name="Studies").click()
        self.wait_path("/$")
        self.page.go_back()
        self.wait_path("/studies/s")
        self.assertEqual(self.path(), "/studies/s?by=time")

    def test_no_token_is_sent_where_it_can_be_read(self):
        token = self.new_token()["token"]
        asked = []
        self.page.on("request", lambda r: asked.append(r))
        self.page.goto(f"{self.server.url}/studies/s#token={token}")
        self.ready()
        self.assertTrue(any(r.headers.get("authorization") == f"Bearer {token}" for r in asked))
        for request in asked:
            self.assertNotIn(token, request.url)
            if "/v1/" not in request.url:
                self.assertNotIn("authorization", request.headers)

    def test_a_token_that_ends_while_watching_is_asked_for_again(self):
        made = self.new_token()
        self.page.goto(f"{self.server.url}/studies/s#token={made['token']}")
        self.ready()
        expect(self.page.get_by_text("live")).to_be_visible()
        self.assertEqual(self.client.delete(f"/v1/tokens/{made['id']}").status, 204)
        expect(self.dialog()).to_contain_text("expired or was revoked")
        self.give(self.new_token()["token"])
        expect(self.dialog()).to_have_count(0)
        expect(self.page.get_by_text("live")).to_be_visible()
        self.make("later")
        self.page.get_by_role("link", name="Studies").click()
        expect(self.page.get_by_role("link", name="later")).to_be_visible()

    def test_leaving_the_form_leaves_a_way_back(self):
        self.page.goto(self.server.url + "/")
        expect(self.dialog()).to_be_visible()
        self.page.keyboard.press("Escape")
        expect(self.page.get_by_text("Not signed in.")).to_be_visible()
        self.page.get_by_role("button", name="Try again").click()
        expect(self.dialog()).to_be_visible()
        self.give(self.new_token()["token"])
        expect(self.page.get_by_role("link", name="s", exact=True)).to_be_visible()

    def test_what_a_token_may_not_do_is_said(self):
        self.allow("403 (Forbidden)")
        self.page.goto(f"{self.server.url}/studies/s#token={self.new_token()['token']}")
        self.ready()
        self.page.get_by_role("button", name="Pause").click()
        expect(self.page.locator("#notices .bad")).to_be_visible()
        self.assertEqual(self.client.get("/v1/studies/s").json["state"], "running")


if __name__ == "__main__":
    main()
