#!/usr/bin/env python3
"""screenshots.py FOLDER: pictures of every page for people to look at; not a test.

A Hyperband study of a made-up program that trains, fails now and then and takes its time, with two
workers; both themes, 1280 and 390 pixels wide. With --pictures only those of the README, compressed.
Started like the tests: HONED=… HONE=… HONE_BROWSER_DIR=… tests/browser/run screenshots.py FOLDER
"""
import pathlib
import shutil
import subprocess
import sys

from harness import WAIT_MS, Workers, hone, launch, sync_playwright

# A small network whose accuracy depends on the configuration as such things do.
JOB = """#!/usr/bin/env python3
import math, random, sys, time
lr, units, momentum, first, last, seed = (float(x) for x in sys.argv[1:7])
chance = random.Random(int(seed))
best = 0.97 - abs(math.log10(lr) + 1.7) / 4 - abs(units - 44) / 300 - 0.12 * abs(momentum - 0.9)
print("reading digits.csv: 1797 samples, 10 classes")
if chance.random() < 0.05:
    print("Traceback (most recent call last):\\n  File \\"train.py\\", line 88, in step\\n"
          "RuntimeError: out of memory: tried to allocate 2.4 GiB", file=sys.stderr)
    sys.exit(1)
for epoch in range(int(first) + 1, int(last) + 1):
    time.sleep(PAUSE)
    accuracy = max(0.05, best * (1 - math.exp(-epoch / 5)) + chance.gauss(0, 0.008))
    print(f"epoch {epoch}: {len('x' * 64)} batches, gradient norm {chance.uniform(0.4, 2):.3f}")
    print(f"hone: step={epoch} accuracy={accuracy:.4f} loss={1.6 - 1.5 * accuracy:.4f}", flush=True)
"""
PARAMETERS = [{"name": "lr", "type": "float", "low": 1e-4, "high": 1, "scale": "log"},
              {"name": "units", "type": "int", "low": 8, "high": 64},
              {"name": "momentum", "type": "float", "low": 0, "high": 0.99},
              {"name": "batch", "type": "ordinal", "choices": [16, 32, 64, 128]},
              {"name": "l2", "type": "float", "low": 1e-6, "high": 1e-1, "scale": "log"}]
STUDY = "digits-hyperband"
PAGES = {"studies": "/", "study": f"/studies/{STUDY}", "trials": f"/studies/{STUDY}/trials",
         "trial": f"/studies/{STUDY}/trials/BEST", "brackets": f"/studies/{STUDY}/brackets", "workers": "/workers?span=15m",
         "new": f"/new?from={STUDY}"}
README = ("study", "trials", "brackets", "workers", "trial", "studies")


ARGUMENTS = ("{lr}", "{units}", "{momentum}", "{resource.from}", "{resource.to}", "{seed}")


def make_studies(client):
    client.post("/v1/studies", {"name": STUDY, "metric": "accuracy", "direction": "maximize", "parameters": PARAMETERS,
                                "description": "A small network on handwritten digits", "labels": {"team": "vision"},
                                "strategy": "hyperband", "resource": {"name": "epochs", "min": 1, "max": 27},
                                "limits": {"trials": 400}, "seed": 11})
    client.post("/v1/studies", {"name": "speech-tuning", "metric": "wer", "direction": "minimize", "parameters": PARAMETERS[:3],
                                "strategy": "tpe", "limits": {"trials": 200}})
    client.patch("/v1/studies/speech-tuning", {"state": "paused"})
    client.post("/v1/studies", {"name": "latency-or-accuracy", "parameters": PARAMETERS[:3], "strategy": "quasirandom",
                                "objectives": [{"metric": "accuracy", "direction": "maximize"}, {"metric": "ms", "direction": "minimize"}],
                                "limits": {"trials": 30}})


def import_trials(client):
    """Finished trials for the two studies that no worker has."""
    items = [{"parameters": {"lr": 10 ** -(1 + i % 7 / 2), "units": 8 + i * 5 % 56, "momentum": i % 10 / 11}, "state": "completed",
              "metrics": {"accuracy": 0.6 + (i * 37 % 31) / 100, "ms": 4 + (i * 53 % 29) + (i * 37 % 31) / 2}} for i in range(30)]
    client.post("/v1/studies/latency-or-accuracy/trials", items)
    best = 0.4
    for item in items[:24]:
        best *= 0.985
        item["metrics"] = {"wer": round(best + item["metrics"]["ms"] / 400, 4)}
    client.post("/v1/studies/speech-tuning/trials", items[:24])


def take(page, url, theme, width, path, whole):
    page.set_viewport_size({"width": width, "height": 900})
    page.emulate_media(color_scheme=theme)
    page.goto(url)
    page.wait_for_selector("html[data-ready]")
    page.wait_for_load_state("load")
    if "/workers" in url:  # only the last minutes, where something happened
        page.locator(".lanes-view").focus()
        for key in ("ArrowRight", "+", "+", "+", "Escape"):
            page.keyboard.press(key)
    page.evaluate("() => new Promise((done) => setTimeout(done, 1500))")  # charts are drawn in slices of a frame
    page.screenshot(path=path, full_page=whole)


def compress(path):
    """A picture of few colours needs a quarter of the bytes. Debian's pngquant does it, if it is there."""
    if shutil.which("pngquant"):
        subprocess.run(["pngquant", "--force", "--output", path, "--quality", "60-95", "--strip", "128", path], check=True)


def main():
    folder = pathlib.Path(sys.argv[-1])
    only_readme = "--pictures" in sys.argv
    folder.mkdir(parents=True, exist_ok=True)
    with hone.Server(args=["--open"]) as server, server.client(None) as client, sync_playwright() as playwright:
        make_studies(client)
        import_trials(client)
        job = JOB.replace("PAUSE", "0.8")
        with Workers(server, STUDY, 2, job=job, slots=4, name="gpu0{}", arguments=ARGUMENTS):
            hone.wait_until(lambda: sum(client.get(f"/v1/studies/{STUDY}").json["counts"][s] for s in ("pruned", "completed")) > 90,
                            300, "ninety trials end")
            trials = client.get(f"/v1/studies/{STUDY}/trials?sort=best&limit=2").json["items"]
            browser = launch(playwright)
            for theme in ("light",) if only_readme else ("light", "dark"):
                for width in (1280,) if only_readme else (1280, 390):
                    page = browser.new_page()
                    page.set_default_timeout(WAIT_MS)
                    for name, path in PAGES.items():
                        if only_readme and name not in README:
                            continue
                        path = path.replace("BEST", str(trials[0]["number"])).replace("SECOND", str(trials[1]["number"]))
                        to = folder / (f"{name}.png" if only_readme else f"{name}-{theme}-{width}.png")
                        take(page, server.url + path, theme, width, to, not only_readme)
                        if only_readme:
                            compress(to)
                    page.close()
            browser.close()


if __name__ == "__main__":
    main()
