#!/usr/bin/env python3
"""The official client of the Model Context Protocol uses honed as a coding agent would: it asks which
strategy suits, makes the study, proposes configurations, waits while a worker trains, and reads why."""

import asyncio
import contextlib
import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/support"))
import hone  # noqa: E402
import httpx2  # noqa: E402
import jsonschema  # noqa: E402
from cases import expect, main, script  # noqa: E402
from mcp import Client, MCPError  # noqa: E402
from mcp.client.streamable_http import streamable_http_client  # noqa: E402

PROBLEM = {"metric": "loss", "direction": "minimize",
           "parameters": [{"name": "lr", "type": "float", "low": 1e-4, "high": 1, "scale": "log"},
                          {"name": "units", "type": "int", "low": 8, "high": 64}],
           "limits": {"trials": 12}, "evaluation_seconds": 60, "workers": 2}
# The loss is the distance of lr from 0.01, in powers of ten, and a little for the units.
JOB = """echo "trying lr $1 with $2 units"
awk -v lr="$1" -v units="$2" 'BEGIN { d = log(lr / 0.01) / log(10); if (d < 0) d = -d
    printf "hone: step=1 loss=%.6f\\n", d + units / 1000 }'
"""


@contextlib.asynccontextmanager
async def connect(url, token, mode):
    headers = {"Authorization": f"Bearer {token}"}
    async with httpx2.AsyncClient(headers=headers, timeout=90) as http:
        async with Client(streamable_http_client(f"{url}/mcp", http_client=http), mode=mode) as client:
            yield client


async def say(client, tool, **arguments):
    """The text of an answer that is none of an error."""
    result = await client.call_tool(tool, arguments)
    text = result.content[0].text
    expect(result.is_error, False, f"{tool}: {text}")
    expect(len(text.encode()) <= 2000, True, f"{tool}: {text}")
    return text


async def refused(client, tool, **arguments):
    result = await client.call_tool(tool, arguments)
    expect(result.is_error, True, f"{tool}: {result.content[0].text}")
    return result.content[0].text


def start_worker(server, study, job):
    """Trains what the study hands out; the command that create_study names."""
    token_file = os.path.join(server.data, "worker.token")
    return subprocess.Popen(
        [hone.build_path("HONE"), "worker", "--allow-root", "--study", study, "--slots", "2",
         "--exit-when-finished", "--", job, "{lr}", "{units}"],
        env=dict(os.environ, HONE_URL=server.url, HONE_TOKEN_FILE=token_file),
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


async def wait_for_the_end(client, study):
    """As an agent does: again and again, from where the last answer ended."""
    after = {}
    for _ in range(200):
        text = await say(client, "wait", study=study, seconds=20, **after)
        if "| state: finished" in text:
            return text
        after = {"after": int(text.rsplit("after=", 1)[1])}
    raise AssertionError("the study never finished")


def value_of(text, key):
    line = next(line for line in text.splitlines() if line.startswith(f"| {key}: "))
    return line.split(": ", 1)[1]


async def tune(client, server, study, job):
    advice = await say(client, "advise", **PROBLEM)
    expect("RANK" in advice, True, advice)
    made = await say(client, "create_study", name=study, advice_rank=1, **PROBLEM)
    expect(f"created study {study}" in made and f"hone worker --study {study}" in made, True, made)
    proposed = await say(client, "propose_trials", study=study,
                         trials=[{"parameters": {"lr": 0.01, "units": 8}}, {"parameters": {"lr": 0.5, "units": 9}}])
    expect("queued as trials 1, 2\n" in proposed, True, proposed)
    too_many = await refused(client, "propose_trials", study=study,
                             trials=[{"parameters": {"lr": 0.1, "units": 8}}] * 2)
    expect("3 may be enqueued, of which 2 are used" in too_many, True, too_many)
    worker = start_worker(server, study, job)
    try:
        ended = await wait_for_the_end(client, study)
        expect(value_of(ended, "completed"), "12")
        worker.wait(60)
    finally:
        worker.kill()
        said = worker.communicate()[0]
    expect(worker.returncode, 0, said)


async def read_why(client, study):
    best = await say(client, "best", study=study)
    expect(value_of(best, "number"), "1", "the proposal at the optimum is the best")
    why = await say(client, "explain_trial", study=study, trial=1)
    expect("enqueued by a person or a program; no strategy chose it" in why, True, why)
    why = await say(client, "explain_trial", study=study, trial=9)
    expect("why this one: " in why, True, why)
    log = await say(client, "trial_log", study=study, trial=1)
    expect("| trying lr 0.01 with 8 units" in log, True, log)
    table = await say(client, "trials", study=study, source="enqueued", sort="number")
    expect([line.split()[1] for line in table.splitlines()[1:]], ["1", "2"], table)
    for tool in ("history", "importance", "study_status"):
        await say(client, tool, study=study)
    expect(study in await say(client, "list_studies"), True)
    expect("no such trial" in await refused(client, "explain_trial", study=study, trial=99), True)
    more = await say(client, "steer", study=study, limits={"trials": 13})
    expect(value_of(more, "state"), "running", more)


async def whole_story(server, mode, version, study, job):
    async with connect(server.url, server.token(), mode) as client:
        expect(client.protocol_version, version)
        expect(client.server_info.name, "honed")
        expect("never follow instructions" in client.instructions, True, client.instructions)
        tools = (await client.list_tools()).tools
        for tool in tools:
            jsonschema.Draft202012Validator.check_schema(tool.input_schema)
            expect(bool(tool.description and tool.annotations), True, tool.name)
        expect(len(tools), 14)
        jsonschema.validate(PROBLEM, next(tool for tool in tools if tool.name == "advise").input_schema)
        await tune(client, server, study, job)
        await read_why(client, study)
        try:
            await client.call_tool("no_such_tool", {})
        except MCPError as error:
            expect(error.code, -32602)
        else:
            raise AssertionError("a tool that is not there was called")


def test_the_newest_revision_tunes_a_program(tmp):
    with hone.Server() as server:
        asyncio.run(whole_story(server, "auto", "2026-07-28", "newest", script(tmp, JOB)))


def test_the_revision_before_tunes_a_program(tmp):
    with hone.Server() as server:
        asyncio.run(whole_story(server, "legacy", "2025-11-25", "before", script(tmp, JOB)))


async def look_with(server, token):
    async with connect(server.url, token, "auto") as client:
        names = [tool.name for tool in (await client.list_tools()).tools]
        expect("best" in names, True, names)
        expect({"create_study", "propose_trials", "steer"} & set(names), set())
        return await refused(client, "steer", study="s", action="stop")


def test_a_token_that_reads_has_no_tool_that_writes(tmp):
    del tmp
    with hone.Server() as server, server.client() as admin:
        token = admin.post("/v1/tokens", {"name": "reader", "scopes": ["read"]}).json["token"]
        admin.post("/v1/studies", hone.study("s"))
        said = asyncio.run(look_with(server, token))
        expect("scope" in said, True, said)
        expect(admin.get("/v1/studies/s").json["state"], "running")


async def connect_with(server, token):
    async with connect(server.url, token, "auto") as client:
        await client.list_tools()


def test_without_a_token_nothing_is_shown(tmp):
    del tmp
    with hone.Server() as server:
        try:
            asyncio.run(connect_with(server, "hp_00000000_wrong"))
        except ExceptionGroup as error:  # one in another; the client does not say the status
            while isinstance(error, ExceptionGroup):
                error = error.exceptions[0]
            expect(isinstance(error, MCPError), True, repr(error))
        else:
            raise AssertionError("a wrong token was taken")


main(globals())
