#!/usr/bin/env python3
"""schema/openapi.yaml holds what generators of clients need; each rule has a fault behind it."""

import pathlib
import sys
import unittest

import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/support"))
import hone  # noqa: E402

PATH = ROOT / "schema/openapi.yaml"
METHODS = {"get", "put", "post", "delete", "patch"}


class Strict(yaml.SafeLoader):
    """Refuses a member that stands twice, of which YAML would keep the last."""

    def construct_mapping(self, node, deep=False):
        seen = set()
        for key, _ in node.value:
            if key.value in seen:
                raise AssertionError(f"{key.value!r} stands twice at {key.start_mark}")
            seen.add(key.value)
        return super().construct_mapping(node, deep)


def within(value, where=""):
    """(pointer, object) of every object below."""
    if isinstance(value, dict):
        yield where, value
        for key, one in value.items():
            yield from within(one, f"{where}/{key}")
    elif isinstance(value, list):
        for i, one in enumerate(value):
            yield from within(one, f"{where}/{i}")


def types_of(schema):
    named = schema.get("type", [])
    return {named} if isinstance(named, str) else set(named) if isinstance(named, list) else set()


class Document(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        with open(PATH, encoding="utf-8") as file:
            cls.document = yaml.load(file, Loader=Strict)
        cls.objects = list(within(cls.document))

    def none(self, wrong, advice):
        self.assertEqual(list(wrong), [], advice)

    def test_numbers_say_their_format(self):
        self.none((where for where, one in self.objects if types_of(one) - {"null"} == {"number"}
                   and one.get("format") != "double"), "say format: double; clients make 32 bits of it otherwise")
        self.none((where for where, one in self.objects if types_of(one) - {"null"} == {"integer"}
                   and one.get("format") != "int64" and "enum" not in one
                   and not -2**31 <= one.get("maximum", 2**31) < 2**31),
                  "say format: int64, or a maximum below 2^31; clients make 32 bits of it otherwise")

    def test_no_list_of_types_but_with_null(self):
        """Two types and null: in AdviceRequest alone, where nothing but the strategy's name is read."""
        self.none((where for where, one in self.objects if len(types_of(one) - {"null"}) > 1
                   and where != "/components/schemas/AdviceRequest/properties/strategy"),
                  "generators take the first, or none: name the types with oneOf or anyOf")

    def test_references_lead_to_components(self):
        self.none((f"{where}: {one['$ref']}" for where, one in self.objects
                   if isinstance(one.get("$ref"), str) and one["$ref"].count("/") != 3),
                  "make it a component: generators name a type by the last part alone")

    def test_each_operation_has_an_id(self):
        ids = [(f"{method} {path}", operation.get("operationId")) for path, item in self.document["paths"].items()
               for method, operation in item.items() if method in METHODS]
        self.assertEqual(len({name for _, name in ids}), len(ids))
        self.none((where for where, name in ids if not name), "give it an operationId: a method of the client")

    def test_bodies_have_names(self):
        self.none((where for where, one in self.objects
                   if where.startswith("/paths/") and where.endswith("/application/json/schema")
                   and ("allOf" in one or one.get("properties")) and "title" not in one),
                  "give it a title, or make it a component: it becomes the name of a type")

    def test_no_choice_has_a_list(self):
        self.none((where for where, one in self.objects for word in ("oneOf", "anyOf")
                   if any("array" in types_of(choice) for choice in one.get(word, []))),
                  "generators of Java and TypeScript write what does not compile: use if, then and else")

    def test_successes_of_an_operation_have_one_type(self):
        for path, item in self.document["paths"].items():
            for method, operation in item.items():
                if method not in METHODS:
                    continue
                found = set()
                for status, reply in operation["responses"].items():
                    if "$ref" in reply:
                        reply = self.document["components"]["responses"][reply["$ref"].rpartition("/")[2]]
                    schema = reply.get("content", {}).get("application/json", {}).get("schema")
                    if status.startswith("2") and schema:
                        found.add(schema.get("$ref") or schema.get("title") or str(schema))
                self.assertLessEqual(len(found), 1, f"{method} {path}: clients return one type")

    def test_no_default_hangs_on_another_member(self):
        schemas = self.document["components"]["schemas"]
        options = next(one for one in schemas["Strategy"]["oneOf"] if one.get("title") == "StrategyOptions")
        for holder in (schemas["Parameter"], options):
            self.none((name for name, one in holder["properties"].items() if "default" in one),
                      "clients send defaults, and where it does not apply the server refuses it: say it in words")


if __name__ == "__main__":
    hone.main()
