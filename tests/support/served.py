"""For tests of the Python client, deploy/python: `import hone` is that client, and tests/support/hone.py,
which has the same name, is here.

    from served import Served

    with Served(tmp) as server:          # a honed of its own, open unless args say otherwise
        client = server.connect()        # a hone.Client
        server.run("import hone; …")     # a program of its own, with HONE_URL; what it prints
"""

import importlib.util
import os
import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
CLIENT = HERE.parents[1] / "deploy/python"
sys.path = [str(CLIENT)] + [path for path in sys.path if path not in (str(HERE), str(CLIENT))] + [str(HERE)]

import hone  # noqa: E402

assert pathlib.Path(hone.__file__).is_relative_to(CLIENT), hone.__file__

_spec = importlib.util.spec_from_file_location("honed_support", HERE / "hone.py")
support = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(support)

SECONDS = 120  # a bound against hanging


def environment(tmp, **more):
    """Of a program that knows no server but the one that `more` names."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("HONE_") or k == "HONE_ALLOW_ROOT"}
    return {**kept, "PYTHONPATH": str(CLIENT), "XDG_STATE_HOME": str(pathlib.Path(tmp) / "state"),
            "HOME": str(tmp), **more}


def python(text, env, status=0, seconds=SECONDS, folder=None):
    """Runs a program; what it prints on both streams, in their order."""
    done = subprocess.run([sys.executable, "-c", text], env=env, text=True, stdout=subprocess.PIPE, cwd=folder,
                          stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, timeout=seconds, check=False)
    if status is not None and done.returncode != status:
        raise AssertionError(f"exit status {done.returncode}, wanted {status}:\n{done.stdout}")
    return done.stdout


class Served(support.Server):
    def __init__(self, tmp, args=("--open",), **more):
        super().__init__(data=str(pathlib.Path(tmp) / "data"), args=args, **more)
        self.tmp = pathlib.Path(tmp)

    def connect(self, **more):
        return hone.connect(self.url, **more)

    def environment(self, **more):
        return environment(self.tmp, HONE_URL=self.url, **more)

    def run(self, text, status=0, seconds=SECONDS, **more):
        return python(text, self.environment(**more), status, seconds)

    def start_program(self, text, **more):
        """A program that runs beside the test; its output is read from its stdout."""
        return subprocess.Popen([sys.executable, "-u", "-c", text], env=self.environment(**more), text=True,
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)

    def again(self):
        """The same server after its end, at the same port, with the same data."""
        return self.start()
