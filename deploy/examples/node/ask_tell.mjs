#!/usr/bin/env node
// A study and a worker for it in JavaScript, with what Node.js 18 has built in: Branin's function.
//
//     HONE_URL=http://127.0.0.1:4663 node deploy/examples/node/ask_tell.mjs
//
// HONE_TOKEN_FILE names a token with the scopes submit and worker, unless the server is open.
import {readFileSync} from "node:fs";
import {setTimeout as sleep} from "node:timers/promises";

const url = process.env.HONE_URL + "/v1";
const headers = {"Content-Type": "application/json"};
if (process.env.HONE_TOKEN_FILE)
    headers.Authorization = "Bearer " + readFileSync(process.env.HONE_TOKEN_FILE, "utf8").trim();

async function call(method, path, body) {
    const reply = await fetch(url + path, {method, headers, body: body && JSON.stringify(body)});
    const answer = await reply.json();
    if (!reply.ok) throw new Error(answer.detail); // a sentence that says what to do
    return answer;
}

const branin = ({x, y}) => (y - 5.1 / (4 * Math.PI ** 2) * x ** 2 + 5 / Math.PI * x - 6) ** 2 +
    10 * (1 - 1 / (8 * Math.PI)) * Math.cos(x) + 10;

async function train({lease, trial}) {
    let loss;
    for (let step = 1; step <= 5; step++) { // in your program: an epoch
        loss = branin(trial.parameters) * (1 + 1 / step);
        const report = {measurements: [{step, metrics: {loss}}]};
        const {action} = await call("POST", `/leases/${lease.id}/measurements`, report);
        if (action === "abort") return; // cancelled: nothing more is wanted
        if (action !== "continue") break; // not worth more steps
    }
    await call("PUT", `/leases/${lease.id}/result`, {outcome: "completed", metrics: {loss}});
}

try {
    if (!process.env.HONE_URL) throw new Error("set HONE_URL to the server: http://127.0.0.1:4663");
    await call("POST", "/studies", { // again with the same definition: goes on where it was
        name: "branin-node", metric: "loss", direction: "minimize", limits: {trials: 20}, seed: 1,
        stopping: {rule: "threshold", step: 2, value: 60}, parameters: [
            {name: "x", type: "float", low: -5, high: 10}, {name: "y", type: "float", low: 0, high: 15}]});
    for (;;) {
        const ask = await call("POST", "/studies/branin-node/leases", {wait_seconds: 30});
        if (ask.lease) await train(ask);
        else if (["finished", "stopped", "drained"].includes(ask.reason)) break;
        else await sleep(1000 * ask.retry_after_seconds);
    }
    const {trial} = await call("GET", "/studies/branin-node/best");
    console.log(`best of branin-node: ${trial?.value} with ${JSON.stringify(trial?.parameters)}`);
} catch (error) {
    console.error(`branin-node: ${error.message}${error.cause ? ": " + error.cause.message : ""}`);
    process.exitCode = 1;
}
