"""What is changed in the requests that schemathesis makes, before they are sent.

Each case is numbered by its own content, so that a seed gives the same requests again.
"""
import json
import os
import zlib

import schemathesis

# Things that exist on the server: half of the requests are about these, so that they get further than 404.
KNOWN = json.loads(os.environ["HONE_SCHEMATHESIS_KNOWN"])


def is_odd(case):
    return zlib.crc32(repr((case.operation.label, case.path_parameters, case.query, case.body)).encode(
        "utf-8", "surrogatepass")) & 1


@schemathesis.hook
def before_call(context, case, kwargs):
    generated = case.path_parameters or {}
    if generated and is_odd(case) and case.meta is not None and all(
            part.mode.is_positive for part in case.meta.components.values()):
        case.path_parameters = {name: KNOWN.get(name, value) for name, value in generated.items()}
    # What waits would wait for a minute, or without end.
    if isinstance(case.body, dict) and isinstance(case.body.get("wait_seconds"), (int, float)):
        case.body["wait_seconds"] = min(case.body["wait_seconds"], 0)
    query = case.query or {}
    if isinstance(query.get("wait"), (int, float)) and query["wait"] > 0:
        query["wait"] = 0
    if case.operation.path.endswith("/events") and query.get("follow") in (None, True, "true"):
        case.query = {**query, "follow": "false"}
