#!/usr/bin/env python3
"""Trials column by column, and the compression of what is large."""

import csv
import gzip
import io
import json
import os
import sys
import zlib

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "support"))
import hone  # noqa: E402

SPACE = [{"name": "x", "type": "float", "low": 0, "high": 1},
         {"name": "layers", "type": "int", "low": 1, "high": 2 ** 40},
         {"name": "opt", "type": "categorical", "choices": ["adam", "sgd", None, [1, 2]]},
         {"name": "size", "type": "float", "values": [0.1, 0.30000000000000004]},
         {"name": "momentum", "type": "float", "low": 0, "high": 1,
          "when": {"opt": ["sgd"]}}]


def trial(x, state="completed", loss=1, opt="adam", layers=3, size=0.1, **more):
    parameters = {"x": x, "layers": layers, "opt": opt, "size": size}
    if opt == "sgd":
        parameters["momentum"] = 0.5
    return {"parameters": parameters, "state": state,
            **({"metrics": {"loss": loss, "accuracy": 1 / 3}} if state == "completed" else {}), **more}


class Columns(hone.SharedServerTest):
    def fill(self, name, trials, **more):
        self.make(name, parameters=more.pop("parameters", SPACE), **more)
        for at in range(0, len(trials), 1000):
            reply = self.client.post(f"/v1/studies/{name}/trials", trials[at:at + 1000])
            self.assertEqual(reply.status, 201, reply)

    def columns(self, name, query="", **more):
        reply = self.client.get(f"/v1/studies/{name}/trials/columns{query}", **more)
        self.assertEqual(reply.status, 200, reply)
        return reply

    def test_every_trial_has_its_place_in_every_column(self):
        self.fill("all", [trial(0.1, loss=0.25), trial(0.2, opt="sgd", loss="NaN"),
                          trial(0.3, state="failed", opt=None), trial(0.4, opt=[1, 2], loss=1e300,
                                                                       size=0.30000000000000004)])
        answer = self.columns("all").json
        self.assertEqual(answer["n"], 4)
        self.assertIsNone(answer["next_from"])
        self.assertEqual(answer["columns"], {
            "number": [1, 2, 3, 4], "state": ["completed", "failed", "failed", "completed"],
            "value": [0.25, "NaN", None, 1e300], "step": [0, 0, None, 0],
            "parameters.x": [0.1, 0.2, 0.3, 0.4], "parameters.layers": [3, 3, 3, 3],
            "parameters.opt": ["adam", "sgd", None, [1, 2]],
            "parameters.size": [0.1, 0.1, 0.1, 0.30000000000000004],
            "parameters.momentum": [None, 0.5, None, None]})

    def test_rows_agree_with_the_list_of_trials(self):
        self.fill("same", [trial(i / 30, loss=i / 3) for i in range(20)])
        lease = self.lease("same")
        self.worker.post(f"/v1/leases/{lease['lease']['id']}/measurements",
                         {"measurements": [{"step": 1, "metrics": {"loss": 0.5}}]})
        number = lease["trial"]["number"]
        hone.wait_until(lambda: "live" in self.client.get(f"/v1/studies/same/trials/{number}").json, 30,
                        "the report is shown")
        fields = "number,state,reason,value,attempt,worker,source,created_at,started_at,ended_at," \
                 "metrics.*,parameters.*"
        answer = self.columns("same", f"?fields={fields}").json
        items = self.client.get("/v1/studies/same/trials").json["items"]
        self.assertEqual(answer["n"], len(items))
        for name, cells in answer["columns"].items():
            kind, _, key = name.partition(".")
            for item, cell in zip(items, cells):
                wanted = item[kind].get(key) if key else item[name]
                if name == "value" and item["state"] == "running":
                    wanted = item["live"]["value"]
                if name.endswith("_at"):
                    self.assertEqual(cell is None, wanted is None)
                else:
                    self.assertEqual((name, cell), (name, wanted))
        self.assertEqual(answer["seq"], self.columns("same").seq)

    def test_a_running_trial_has_step_and_value_of_its_newest_report(self):
        self.make("live", parameters=SPACE)
        lease = self.lease("live")
        self.lease("live")  # has reported nothing
        for step, loss in ((3, 0.5), (7, 0.25)):
            self.worker.post(f"/v1/leases/{lease['lease']['id']}/measurements",
                             {"measurements": [{"step": step, "metrics": {"loss": loss}}]})
            for query in ("", "&numbers=1,2"):
                wanted = {"number": [1, 2], "step": [step, None], "value": [loss, None]}
                path = f"?fields=number,step,value{query}"
                hone.wait_until(lambda: self.columns("live", path).json["columns"] == wanted, 30,
                                f"columns are {wanted}")

    def test_moments_are_milliseconds(self):
        self.fill("moments", [trial(0.5, loss=1)])
        created, = self.columns("moments", "?fields=created_at").json["columns"]["created_at"]
        text = self.client.get("/v1/studies/moments/trials/1").json["created_at"]
        self.assertTrue(text.endswith(f".{created % 1000:03}Z"), (text, created))
        self.assertGreater(created, 1_600_000_000_000)

    def test_digits_shorten_what_is_real_and_nothing_else(self):
        self.fill("digits", [trial(1 / 3, loss=2 / 3, layers=1234567, size=0.30000000000000004)])
        body = self.columns("digits", "?digits=3&fields=value,parameters.*,metrics.*").body.decode()
        for part in ('"value":[0.667]', '"parameters.x":[0.333]', '"parameters.layers":[1234567]',
                     '"parameters.size":[0.30000000000000004]', '"metrics.accuracy":[0.333]'):
            self.assertIn(part, body)
        body = self.columns("digits", "?fields=value").body.decode()
        self.assertIn("[0.6666666666666666]", body)

    def test_some_trials_only(self):
        self.fill("some", [trial(i / 10) for i in range(10)])
        numbers = lambda query: self.columns("some", query).json["columns"]["number"]  # noqa: E731
        self.assertEqual(numbers("?from=8"), [8, 9, 10])
        self.assertEqual(numbers("?from=11"), [])
        self.assertEqual(numbers("?numbers=7,3,99,3"), [3, 7])
        self.assertEqual(numbers("?numbers=7,3&from=4"), [7])
        page = self.columns("some", "?limit=4&from=2").json
        self.assertEqual((page["columns"]["number"], page["next_from"]), ([2, 3, 4, 5], 6))
        page = self.columns("some", "?limit=1&numbers=2,5").json
        self.assertEqual((page["columns"]["number"], page["next_from"]), ([2], 5))
        self.assertIsNone(self.columns("some", "?limit=10").json["next_from"])

    def test_fields_come_once_in_the_order_asked_for(self):
        self.fill("order", [trial(0.5)])
        found = self.columns("order", "?fields=parameters.opt,number,,parameters.*,number").json
        self.assertEqual(list(found["columns"]),
                         ["parameters.opt", "number", "parameters.x", "parameters.layers",
                          "parameters.size", "parameters.momentum"])

    def test_what_cannot_be_meant_is_refused(self):
        self.fill("refused", [trial(0.5)])
        for query in ("fields=colour", "fields=parameters.y", "fields=metrics.nothing", "fields=",
                      "fields=,", "fields=parameters.", "fields=numbe", "fields=*", "digits=0",
                      "digits=18", "digits=x", "from=0", "from=-1", "limit=0", "numbers=", "numbers=0",
                      "numbers=1,", "numbers=1;2", "numbers=" + ",".join(map(str, range(1, 1002))),
                      "cursor=n1", "format=sse"):
            reply = self.client.get(f"/v1/studies/refused/trials/columns?{query}")
            self.assertEqual((query, reply.status, reply.type), (query, 400, "malformed"))
        self.assertEqual(self.client.get("/v1/studies/none/trials/columns").status, 404)
        last = ",".join(map(str, range(1, 1001)))
        self.assertEqual(self.columns("refused", f"?numbers={last}").json["n"], 1)

    def test_an_empty_study_has_empty_columns(self):
        self.make("empty")
        answer = self.columns("empty", "?fields=number,metrics.*,parameters.*").json
        self.assertEqual((answer["n"], answer["columns"]["parameters.x"]), (0, []))

    def test_other_formats_have_the_same_rows(self):
        self.fill("formats", [trial(i / 10, loss=i, opt="sgd" if i % 2 else "adam")
                              for i in range(5)])
        query = "?fields=number,value,parameters.*,metrics.accuracy&digits=3&format="
        columns = self.columns("formats", query + "json").json["columns"]
        rows = [dict(zip(columns, row)) for row in zip(*columns.values())]
        lines = self.columns("formats", query + "ndjson").body.decode().splitlines()
        self.assertEqual([json.loads(line) for line in lines], rows)
        reply = self.columns("formats", query + "csv")
        found = list(csv.DictReader(io.StringIO(reply.body.decode())))
        self.assertEqual([{name: "" if cell is None else f"{cell:g}" if isinstance(cell, float) else
                           str(cell) for name, cell in row.items()} for row in rows], found)
        table = self.columns("formats", query + "table").body.decode().splitlines()
        self.assertEqual((len(table), table[0].split()[0]), (6, "number"))
        self.assertEqual(len(self.columns("formats", query + "text").body.splitlines()), 5)
        page = self.columns("formats", "?format=csv&limit=2")
        self.assertEqual(page.headers["next-from"], "3")

    def test_hostile_names_stay_texts(self):
        name = '"</script>,{}'
        self.fill("hostile", [{"parameters": {name: "a\nb</script>"}, "state": "completed",
                               "metrics": {"loss": 1, "<b>": 2}}],
                  parameters=[{"name": name, "type": "categorical", "choices": ["a\nb</script>", "b"]}])
        columns = self.columns("hostile", "?fields=parameters.*,metrics.*").json["columns"]
        self.assertEqual(columns[f"parameters.{name}"], ["a\nb</script>"])
        self.assertEqual(columns["metrics.<b>"], [2])

    def test_large_answers_are_compressed_for_those_who_take_that(self):
        self.fill("large", [trial(i / 1000, loss=i / 7) for i in range(500)])
        accept = {"Accept-Encoding": "gzip, deflate"}
        for path in ("trials/columns", "trials?limit=500", "export", "trials/columns?format=csv"):
            plain = self.client.get(f"/v1/studies/large/{path}")
            packed = self.client.get(f"/v1/studies/large/{path}", headers=accept)
            self.assertNotIn("content-encoding", plain.headers)
            self.assertEqual((path, packed.headers.get("content-encoding")), (path, "gzip"))
            self.assertEqual(gzip.decompress(packed.body), plain.body)
            self.assertLess(len(packed.body), len(plain.body) / 2)
            for reply in (plain, packed):
                self.assertEqual(reply.headers["vary"], "Accept-Encoding")
            refused = self.client.get(f"/v1/studies/large/{path}",
                                      headers={"Accept-Encoding": "gzip;q=0"})
            self.assertNotIn("content-encoding", refused.headers)
        small = self.client.get("/v1/studies/large/trials/1", headers=accept)
        self.assertNotIn("content-encoding", small.headers)
        problem = self.client.get("/v1/studies/large/trials?sort=" + "x" * 6000, headers=accept)
        self.assertEqual(problem.type, "malformed")
        self.assertNotIn("content-encoding", problem.headers)

    def test_head_tells_what_get_would(self):
        self.fill("head", [trial(i / 100) for i in range(100)])
        for headers in ({}, {"Accept-Encoding": "gzip"}):
            get = self.client.get("/v1/studies/head/trials/columns", headers=headers)
            head = self.client.request("HEAD", "/v1/studies/head/trials/columns", headers=headers)
            self.assertEqual((head.status, head.body), (200, b""))
            for name in ("content-length", "content-type", "content-encoding", "vary", "server-seq"):
                self.assertEqual(get.headers.get(name), head.headers.get(name), name)

    def test_head_of_a_streamed_answer_has_no_body(self):
        self.make("headless")
        host = self.server.url.removeprefix("http://")
        for path in ("studies/headless/export", "events?follow=false", "events"):
            answer = hone.raw_exchange(self.server.url, f"HEAD /v1/{path} HTTP/1.1\r\nHost: {host}\r\n"
                                       f"Authorization: Bearer {self.server.token()}\r\n\r\n".encode())
            head, _, body = answer.partition(b"\r\n\r\n")
            self.assertTrue(head.startswith(b"HTTP/1.1 200"), answer)
            self.assertEqual(body, b"", path)

    def test_a_streamed_answer_that_is_compressed_ends_well(self):
        self.fill("stream", [trial(i / 3000) for i in range(2500)])
        reply = self.client.get("/v1/studies/stream/export?format=ndjson",
                                headers={"Accept-Encoding": "gzip"})
        reader = zlib.decompressobj(wbits=31)
        text = reader.decompress(reply.body)
        self.assertTrue(reader.eof)
        self.assertEqual(len(text.splitlines()), 2500)


if __name__ == "__main__":
    hone.main()
