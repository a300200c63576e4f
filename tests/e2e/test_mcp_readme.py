#!/usr/bin/env python3
"""The blocks of deploy/mcp/README.md, pasted as a reader does: with the address and the folder of the server that
is there. `claude` is a program that notes its arguments."""

import json
import os
import pathlib
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "support"))
from cases import expect, main  # noqa: E402
from hone import Server  # noqa: E402
from readme import blocks  # noqa: E402

PAGE = pathlib.Path(__file__).resolve().parents[2] / "deploy/mcp/README.md"
HONE = pathlib.Path(os.environ["HONE"]).resolve()


def test_the_blocks_work_as_pasted(tmp):
    found = blocks(PAGE)
    expect([block.split()[0] for block in found], ["export", "claude", '{"mcpServers":', "curl"])
    token, add, settings, check = found
    (tmp / "claude").write_text('#!/bin/sh\nprintf "%s\\n" "$@" >added\n')
    (tmp / "claude").chmod(0o755)
    with Server() as server:
        def paste(block):
            told = block.replace("http://127.0.0.1:4663", server.url).replace("~/hone-data", server.data)
            expect(told != block, True, "the block names the server")
            done = subprocess.run(["bash", "-eu", "-c", told], cwd=tmp, capture_output=True, text=True, check=False,
                                  timeout=60, env={**os.environ, "PATH": f"{tmp}:{HONE.parent}:{os.environ['PATH']}"})
            expect(done.returncode, 0, done.stdout + done.stderr)
            return done.stdout
        paste(token)
        secret = (tmp / "agent.token").read_text().strip()
        paste(add)
        expect((tmp / "added").read_text().splitlines(),
               ["mcp", "add", "--transport", "http", "hone", f"{server.url}/mcp", "--header",
                f"Authorization: Bearer {secret}"])
        expect(json.loads(settings)["mcpServers"]["hone"]["headers"]["Authorization"].split("_")[0], "Bearer hp")
        tools = {tool["name"] for tool in json.loads(paste(check))["result"]["tools"]}
    listed = {line for line in PAGE.read_text().splitlines() if line.startswith("| `")}
    named = {word.strip("`") for line in listed for word in line.split("|")[1].split() if word.strip("`").isidentifier()}
    expect(tools - named, set(), "tools that the page does not list")


if __name__ == "__main__":
    main(globals())
