#!/usr/bin/env python3
"""The Debian packages: made twice, judged by lintian, and put into a booted copy of this machine.

HONE_BUILD names the release build, whose programs are packaged as they are. Without it they are compiled
with Debian's flags, twice, which takes minutes: HONE_BUILD= tests/cluster/test_debian.py."""

import atexit
import contextlib
import functools
import hashlib
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests/support"))
import private  # noqa: E402
private.enter()
from booted import need, need_to_boot, probe, run  # noqa: E402
from cases import NotRun, expect, main  # noqa: E402

SCRIPT = ROOT / "deploy/debian/build"
VERSION = re.search(r"version: '([^']+)'", (ROOT / "meson.build").read_text())[1]
NAMES = ["hone", "honed"]
# Of lintian: everything, but what it takes for misspelt words in machine code.
SHOWN = ["--info", "--pedantic", "--fail-on", "error,warning,info,pedantic",
         "--suppress-tags", "spelling-error-in-binary"]


def build(output, **environment):
    need("dpkg-buildpackage", "dh")
    made = run(SCRIPT, output, env={**os.environ, **environment})
    expect(made.returncode, 0, made.stdout)
    return {name: next(output.glob(f"{name}_{VERSION}_*.deb")) for name in NAMES}


@functools.lru_cache(maxsize=None)
def made():
    """The packages of this tree, for all cases; gone when the script ends."""
    folder = tempfile.TemporaryDirectory(prefix="hone-packages-")
    atexit.register(folder.cleanup)
    return build(pathlib.Path(folder.name))


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def rebuilt(package, tmp, **changes):
    """The same package with other lines in its control file, or another file in it."""
    folder = tmp / "changed"
    expect(run("dpkg-deb", "-R", package, folder).returncode, 0)
    control = folder / "DEBIAN/control"
    text = control.read_text()
    for name, value in changes.items():
        text = re.sub(rf"(?m)^{name}: .*$", f"{name}: {value}", text)
    control.write_text(text)
    output = tmp / f"{package.stem}-changed.deb"
    expect(run("dpkg-deb", "--root-owner-group", "-b", folder, output).returncode, 0)
    run("rm", "-r", folder)
    return output


def test_the_same_sources_make_the_same_packages(tmp):
    again = build(tmp / "again", TMPDIR=str(tmp), HOME=str(tmp), TZ="Asia/Kolkata", LC_ALL="C")
    for name in NAMES:
        expect(digest(again[name]), digest(made()[name]), name)
    expect(sorted(path.name for path in (tmp / "again").iterdir()),
           sorted(path.name for path in made().values()))


def test_lintian_finds_nothing(tmp):
    need("lintian")
    judged = subprocess.run(["lintian", *SHOWN, *made().values()], text=True, capture_output=True,
                            check=False)
    expect((judged.returncode, judged.stdout), (0, ""), judged.stderr)
    broken = rebuilt(made()["hone"], tmp, Maintainer="nobody")
    judged = run("lintian", *SHOWN, broken)
    expect((judged.returncode, "malformed-contact" in judged.stdout), (2, True),
           f"that it would say so: {judged.stdout}")


def test_programs_are_hardened_and_files_lie_where_debian_has_them(tmp):
    for name, package in made().items():
        expect(run("dpkg-deb", "-x", package, tmp / name).returncode, 0)
        program = tmp / name / "usr/bin" / name
        facts = run("readelf", "-W", "-h", "-l", "-d", "--dyn-syms", program).stdout
        for mark in [r"DYN \(Position-Independent", r"GNU_RELRO", r"BIND_NOW", r"__stack_chk_fail",
                     r"__\w+_chk@"]:
            assert re.search(mark, facts), f"{name}: no {mark}"
        assert not re.search(r"GNU_STACK.*E ", facts), f"{name}: a stack that can be executed"
        said = run(program, "--version").stdout
        assert VERSION in said, said
    for path in ["share/man/man1/hone-run.1.gz", "share/bash-completion/completions/hone",
                 "share/zsh/vendor-completions/_hone", "share/fish/vendor_completions.d/hone.fish",
                 "lib/sysusers.d/hone.conf", "share/doc/hone/copyright", "share/doc/hone/changelog.gz"]:
        assert (tmp / "hone/usr" / path).is_file(), path
    assert (tmp / "honed/usr/share/man/man8/honed.8.gz").is_file()
    units = [tmp / "honed/lib/systemd/system/honed.service",
             tmp / "hone/lib/systemd/system/hone-worker@.service"]
    for unit in units:
        assert "/usr/local" not in unit.read_text(), unit
    said = (tmp / "honed/usr/share/doc/honed/copyright").read_text()
    for words in ["Permission is hereby granted", "Frances Y. Kuo", "Google LLC", "SUCH DAMAGE",
                  "OF THE POSSIBILITY OF SUCH DAMAGE."]:
        assert words in said, words
    assert "@" not in re.sub(r"<\S+@\S+>", "", said), "a placeholder is left"


def test_what_cannot_be_built_is_said(tmp):
    for arguments, environment, status, words in [
            ([], {}, 64, "deploy/debian/build OUTPUT_DIR"),
            (["--help"], {}, 64, "deploy/debian/build OUTPUT_DIR"),
            ([tmp, tmp], {}, 64, "deploy/debian/build OUTPUT_DIR"),
            ([tmp / "out"], {"HONE_BUILD": str(tmp)}, 1, f"HONE_BUILD={tmp} is no build folder"),
            ([tmp / "out"], {"DEBEMAIL": "a\nb"}, 1, "DEBFULLNAME and DEBEMAIL"),
            (["/dev/null/x"], {}, 1, "cannot make /dev/null/x")]:
        said = run(SCRIPT, *arguments, env={**os.environ, **environment})
        expect((said.returncode, words in said.stdout), (status, True), said.stdout)


# Runs in the booted system. /packages holds an older version and this one.
PROBE = r"""
export LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive
dpkg() { /usr/bin/dpkg --no-triggers "$@"; } # those of this machine's other packages take long
hone() { HONE_URL=http://127.0.0.1:4663 HONE_TOKEN_FILE=/var/lib/hone/admin.token /usr/bin/hone "$@"; }
settled() { until [ "$(show "$1" ActiveState)" = "$2" ]; do sleep 0.05; done; }
get() { hone study show s -o json | sed -n "s/.*\"$1\": *\([0-9]*\).*/\1/p"; }

dpkg -i /packages/old/*.deb
fact installed "$(show honed ActiveState) $(show honed UnitFileState) $(show honed User)"
fact old "$(dpkg-query -W -f '${Version}' honed)"
fact workers_user "$(id -un hone-worker)"
fact manual "$(man -w honed hone-run | xargs -n 1 basename | xargs)"
fact bash "$(bash -c '. /usr/share/bash-completion/completions/hone; complete -p hone')"
fact zsh "$(zsh -fc 'autoload -Uz compinit; compinit -u -d /tmp/zcompdump; echo $_comps[hone]')"
fact fish "$(HOME=/tmp fish -c 'complete -C "hone stu"' | cut -f 1)"
fact conf "$(stat -c %a /etc/hone/honed.conf) $(stat -c %a /etc/hone/workers)"

hone study create s --minimize loss -P x=float:0..1 --strategy random --trials 3
install -m 600 /var/lib/hone/worker.token /etc/hone/worker.token
printf '#!/bin/sh\nexec /usr/bin/hone worker --server http://127.0.0.1:4663 --study s -- sh -c "%s"\n' \
    'echo hone: loss={x}; [ {trial} -ne 2 ] || [ -e /tmp/go ] || sleep 999' >/etc/hone/workers/train
chmod 755 /etc/hone/workers/train
mkdir -p /run/systemd/system/hone-worker@.service.d
printf '[Service]\nPrivateTmp=no\n' >/run/systemd/system/hone-worker@.service.d/test.conf
systemctl daemon-reload
systemctl start hone-worker@train
until pgrep -xf 'sleep 999'; do sleep 0.05; done

# an upgrade: the server is another one, its settings and studies are not, and the worker trains on
echo '# mine' >>/etc/hone/honed.conf
server=$(show honed MainPID) worker=$(show hone-worker@train MainPID)
dpkg -i /packages/new/*.deb
settled honed active
fact new "$(dpkg-query -W -f '${Version}' honed)"
[ "$(show honed MainPID)" != "$server" ] && fact server other || fact server same
[ "$(show hone-worker@train MainPID)" = "$worker" ] && fact worker same || fact worker other
fact settings "$(tail -n 1 /etc/hone/honed.conf)"
until [ "$(get completed)" = 1 ]; do sleep 0.05; done
fact running "$(get running)"

# a worker whose package goes hands its trial back
dpkg -r hone
job=$(pgrep -xf 'sleep 999' || echo none)
fact without_client "$(show hone-worker@train ActiveState) $job $(show honed ActiveState)"
dpkg -i /packages/new/hone_*.deb
fact queued "$(get running)"
touch /tmp/go
systemctl start hone-worker@train
until [ "$(get completed)" = 3 ]; do sleep 0.05; done

dpkg -r honed
fact removed "$(show honed LoadState) $(ls -d /var/lib/private/hone /etc/hone/honed.conf | xargs)"
dpkg -i /packages/new/honed_*.deb
settled honed active
fact again "$(hone study list -o name) $(get completed)"
fact said "$(dpkg -P hone honed | grep '^honed: ')"
fact purged "$(ls /etc/hone | xargs); $(ls -d /var/lib/private/hone)"
fact programs "$(ls -d /usr/bin/hone /usr/bin/honed /lib/systemd/system/hone* 2>/dev/null)"
fact failed "$(systemctl --no-legend --plain --failed | grep hone | xargs)"
journalctl --no-pager -u honed -u 'hone-worker@*' >/results/journal
"""


@contextlib.contextmanager
def copy_of_this_machine(tmp):
    """Its root directory, to write to: what is written lies in memory, and is gone afterwards."""
    layers, root = tmp / "layers", tmp / "root"
    for name in [layers, root]:
        name.mkdir()
    try:
        mounted = run("mount", "-t", "tmpfs", "layers", layers)
        expect(mounted.returncode, 0, mounted.stdout)
        for name in ["upper", "work"]:
            (layers / name).mkdir(mode=0o755)
        mounted = run("mount", "-t", "overlay", "copy",
                      "-o", f"lowerdir=/,upperdir={layers}/upper,workdir={layers}/work", root)
        if mounted.returncode != 0:
            raise NotRun(f"no copy of the root directory can be mounted: {mounted.stdout.strip()}")
        (root / "usr/sbin/policy-rc.d").unlink(missing_ok=True)
        yield root
    finally:
        for name in [root, layers]:
            run("umount", "--lazy", name)


def test_packages_come_change_and_go_in_a_booted_system(tmp):
    need("systemd-sysusers", "man", "pgrep", "zsh", "fish")
    need_to_boot()
    tmp.chmod(0o711)
    with copy_of_this_machine(tmp) as root:
        for kind in ["old", "new"]:
            (root / "packages" / kind).mkdir(parents=True)
        for package in made().values():
            shutil.copy(rebuilt(package, tmp, Version="0.0.9~test"), root / "packages/old")
            shutil.copy(package, root / "packages/new")
        facts, logs = probe(root, PROBE)
    expect(facts, {
        "installed": "active enabled hone", "old": "0.0.9~test", "workers_user": "hone-worker",
        "manual": "honed.8.gz hone-run.1.gz", "bash": "complete -o default -F _hone hone", "zsh": "_hone",
        "fish": "study", "conf": "644 755",
        "new": VERSION, "server": "other", "worker": "same", "settings": "# mine", "running": "1",
        "without_client": "inactive none active", "queued": "0",
        "removed": "not-found /etc/hone/honed.conf /var/lib/private/hone", "again": "s 3",
        "said": "honed: the studies in /var/lib/private/hone are kept; to remove them too: "
                "rm -r /var/lib/hone /var/lib/private/hone",
        "purged": "worker.token workers; /var/lib/private/hone", "programs": "", "failed": ""}, logs)


if __name__ == "__main__":
    main(globals())
