"""Hosts in network namespaces of their own, joined by a switch, and ways to break what lies between.

Nothing outside is touched: the switch is a namespace too, and all names carry the pid. Needs root, ip(8)
and nft(8): missing() says what is not there.
"""

import itertools
import os
import shutil
import subprocess

NUMBERS = itertools.count()


def command(*words, text=None):
    subprocess.run(words, input=text, text=True, check=True, stdout=subprocess.DEVNULL)


def missing():
    """Why this machine cannot do it; "": it can."""
    for program in ("ip", "nft"):
        if shutil.which(program) is None:
            return f"{program} is not installed"
    name = f"hone-{os.getpid()}-probe"
    made = subprocess.run(["ip", "netns", "add", name], capture_output=True, text=True, check=False)
    if made.returncode != 0:
        return f"no network namespace can be made: {made.stderr.strip()}"
    able = subprocess.run(["ip", "netns", "exec", name, "nft", "list", "ruleset"], capture_output=True,
                          text=True, check=False)
    command("ip", "netns", "del", name)
    return "" if able.returncode == 0 else f"nft cannot be used: {able.stderr.strip()}"


class Network:
    """`with Network("srv", "a") as network`: the host i has the address 10.99.0.(i + 1)."""

    def __init__(self, *hosts):
        self.prefix = f"hone-{os.getpid()}-{next(NUMBERS)}"
        self.hosts = hosts

    def namespace(self, host):
        return f"{self.prefix}-{host}"

    def address(self, host):
        return f"10.99.0.{self.hosts.index(host) + 1}"

    def within(self, host):
        """The words in front of a command that is to run there."""
        return ["ip", "netns", "exec", self.namespace(host)]

    def __enter__(self):
        switch = self.namespace("switch")
        try:
            command("ip", "netns", "add", switch)
            command("ip", "-n", switch, "link", "add", "br0", "type", "bridge")
            command("ip", "-n", switch, "link", "set", "br0", "up")
            for host in self.hosts:
                self.join(host, switch)
        except Exception:
            self.__exit__()
            raise
        return self

    def join(self, host, switch):
        space = self.namespace(host)
        port = f"p-{host}"
        command("ip", "netns", "add", space)
        command("ip", "link", "add", "v0", "netns", space, "type", "veth", "peer", "name", port, "netns", switch)
        command("ip", "-n", switch, "link", "set", port, "master", "br0", "up")
        command("ip", "-n", space, "addr", "add", self.address(host) + "/24", "dev", "v0")
        command("ip", "-n", space, "link", "set", "v0", "up")
        command("ip", "-n", space, "link", "set", "lo", "up")

    def __exit__(self, *_):
        for host in (*self.hosts, "switch"):
            subprocess.run(["ip", "netns", "del", self.namespace(host)], stderr=subprocess.DEVNULL, check=False)

    def break_(self, host, *, arriving="", leaving=""):
        """Lets nothing through that one of these rules of nft matches; "all" is everything."""
        rules = ["add table inet broken"]
        for hook, rule in (("input", arriving), ("output", leaving)):
            if rule:
                policy = "drop" if rule == "all" else "accept"
                rules.append(f"add chain inet broken {hook} {{ type filter hook {hook} priority 0; policy {policy}; }}")
                if rule != "all":
                    rules.append(f"add rule inet broken {hook} {rule}")
        command(*self.within(host), "nft", "-f", "-", text="\n".join(rules) + "\n")

    def mend(self, host):
        command(*self.within(host), "nft", "delete", "table", "inet", "broken")
