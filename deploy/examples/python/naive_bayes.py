#!/usr/bin/env python3
"""A study and a worker for it in plain Python: naive Bayes on the digits, tuned by Hone.

    HONE_URL=http://127.0.0.1:4663 deploy/examples/python/naive_bayes.py

HONE_TOKEN_FILE names a token with the scopes submit and worker, unless the server is open."""
import json, math, os, pathlib, urllib.request  # noqa: E401

HERE = pathlib.Path(__file__).parent
LINES = [[int(x) for x in line.split(",")] for line in open(HERE / "../digits/digits.csv")]
URL = os.environ.get("HONE_URL") or exit("set HONE_URL to the server: http://127.0.0.1:4663")
HEADERS = {"Content-Type": "application/json"}
if TOKEN := os.environ.get("HONE_TOKEN_FILE"):
    HEADERS["Authorization"] = "Bearer " + pathlib.Path(TOKEN).read_text().strip()


def call(method, path, body=None):
    request = urllib.request.Request(URL + "/v1" + path, method=method,
                                     data=body and json.dumps(body).encode(), headers=HEADERS)
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)


def accuracy(threshold, smoothing):
    """Trains on two thirds of the images, tells how many of the others it names rightly."""
    images = [([x >= threshold for x in line[:64]], line[64]) for line in LINES]
    train, test = images[:1198], images[1198:]
    dark = [[smoothing + sum(x[i] for x, digit in train if digit == d) for i in range(64)]
            for d in range(10)]
    seen = [2 * smoothing + sum(digit == d for _, digit in train) for d in range(10)]
    yes = [[math.log(n / seen[d]) for n in dark[d]] for d in range(10)]
    no = [[math.log(1 - n / seen[d]) for n in dark[d]] for d in range(10)]
    guess = [max(range(10), key=lambda d: sum(y if dot else n for dot, y, n in zip(x, yes[d], no[d])))
             for x, _ in test]
    return sum(g == digit for g, (_, digit) in zip(guess, test)) / len(test)


call("POST", "/studies", {
    "name": "naive-bayes", "metric": "accuracy", "direction": "maximize", "strategy": "random",
    "limits": {"trials": 12}, "parameters": [
        {"name": "threshold", "type": "int", "low": 1, "high": 16},
        {"name": "smoothing", "type": "float", "low": 1e-3, "high": 10, "scale": "log"}]})
while (ask := call("POST", "/studies/naive-bayes/leases", {"wait_seconds": 30}))["lease"] or (
        ask["reason"] not in ("finished", "stopped")):
    if ask["lease"]:
        result = {"outcome": "completed", "metrics": {"accuracy": accuracy(**ask["trial"]["parameters"])}}
        call("PUT", f"/leases/{ask['lease']['id']}/result", result)
best = call("GET", "/studies/naive-bayes/best")["trial"]
print(f"best of naive-bayes: {best['value']:.4f} with {best['parameters']}")
