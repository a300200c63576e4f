#!/usr/bin/env python3
"""Packs what the static build made: programs, manual, licences, a list of parts (CycloneDX).

Called by deploy/static/build. The same input gives the same bytes: names sorted, one date, no owner.
Prints the path and the SHA-256 of the package."""
import argparse
import gzip
import hashlib
import io
import json
import pathlib
import re
import sys
import tarfile
import uuid

HERE = pathlib.Path(__file__).resolve().parent
MUSL = "1.2.5"  # in ziglang 0.15.2; check_pins holds the two together


def pins():
    """{package: {"version": …, "files": {name: sha256}}} of the file `sources`."""
    found = {}
    for line in (HERE / "sources").read_text(encoding="ascii").splitlines():
        if line and not line.startswith("#"):
            package, version, digest, name = line.split()
            entry = found.setdefault(package, {"version": version, "files": {}})
            entry["files"][name] = digest
    return found


def recipes():
    """{library: {"needs": [library], "source": package, "licence": SPDX expression}}."""
    found = {}
    for path in sorted((HERE / "recipes").iterdir()):
        text = path.read_text(encoding="utf-8")
        value = {name: re.search(rf'^{name}="?([^"\n]*)"?$', text, re.M).group(1)
                 for name in ("needs", "source", "licence")}
        found[path.name] = dict(value, needs=value["needs"].split())
    return found


def compiler_version():
    text = (HERE / "toolchain.txt").read_text(encoding="ascii")
    return re.search(r"^ziglang==(\S+)", text, re.M).group(1)


def upstream(version):
    """Of a Debian version: without epoch and revision."""
    return version.split(":")[-1].rsplit("-", 1)[0]


def library_component(name, recipe, pin):
    """One part of the list, with where it came from."""
    purl = f"pkg:deb/debian/{recipe['source']}@{pin['version'].replace(':', '%3A').replace('+', '%2B')}?arch=source"
    files = [{"type": "source-distribution", "url": purl, "comment": file,
              "hashes": [{"alg": "SHA-256", "content": digest}]}
             for file, digest in sorted(pin["files"].items())]
    return {"type": "library", "bom-ref": name, "name": recipe["source"],
            "version": upstream(pin["version"]), "purl": purl,
            "licenses": [{"expression": recipe["licence"]}], "externalReferences": files}


def within(root):
    """{name: (version, text of its licence)} of the parts of others that Hone's own source holds."""
    vendored = (root / "server/web/vendor/vendor.lock").read_text(encoding="utf-8")
    lit = re.search(r"^lit-html\.js lit-html (\S+)", vendored, re.M).group(1)
    numbers = (root / "server/strategy/sobol/sobol_table.c").read_text(encoding="utf-8")
    notice = numbers[:numbers.index("*/") + 2]
    if "Redistribution" not in notice:
        sys.exit("deploy/static: server/strategy/sobol/sobol_table.c no longer begins with its licence")
    return {"lit-html": (lit, (root / "server/web/vendor/lit-html.LICENSE").read_bytes()),
            "joe-kuo-sobol": ("6.21201", notice.encode() + b"\n")}


def bill(root, version, arch, epoch):
    """The list of parts as a CycloneDX 1.5 document."""
    known, pinned, zig = recipes(), pins(), compiler_version()
    parts = [library_component(name, recipe, pinned[recipe["source"]])
             for name, recipe in known.items()]
    parts.append({"type": "library", "bom-ref": "musl", "name": "musl", "version": MUSL,
                  "purl": f"pkg:pypi/ziglang@{zig}", "licenses": [{"license": {"id": "MIT"}}]})
    parts += [{"type": "library", "bom-ref": name, "name": name, "version": of,
               "purl": f"pkg:{'npm' if name == 'lit-html' else 'generic'}/{name}@{of}",
               "licenses": [{"license": {"id": "BSD-3-Clause"}}]} for name, (of, _) in within(root).items()]
    me = {"type": "application", "bom-ref": "hone", "name": "hone", "version": version,
          "purl": f"pkg:generic/hone@{version}?arch={arch}", "licenses": [{"license": {"id": "MIT"}}]}
    arrows = [{"ref": "hone", "dependsOn": sorted([*known, *within(root), "musl"])}]
    arrows += [{"ref": name, "dependsOn": sorted([*recipe["needs"], "musl"])}
               for name, recipe in known.items()]
    document = {"bomFormat": "CycloneDX", "specVersion": "1.5", "version": 1,
                "metadata": {"timestamp": moment(epoch), "component": me,
                             "tools": {"components": [{"type": "application", "name": "ziglang",
                                                       "version": zig}]}},
                "components": parts, "dependencies": arrows}
    name = json.dumps(document, sort_keys=True)
    document["serialNumber"] = f"urn:uuid:{uuid.uuid5(uuid.NAMESPACE_URL, name)}"
    return json.dumps(document, indent=1, sort_keys=True) + "\n"


def moment(epoch):
    import datetime
    return datetime.datetime.fromtimestamp(epoch, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


README = """Hone {version} for Linux on {arch}: `honed`, the server, and `hone`, the client.

Both are static: they need no library of the system, and run from wherever this folder is.

    export PATH=$PWD/bin:$PATH
    hone run first --minimize loss -P x=float:-5..5 --trials 20 -- ./train --x {{x}}

share/ holds the manual (man -l share/man/man1/hone.1) and completions for bash, zsh and fish; to
install for everybody, copy bin/ and share/ to /usr/local.

The authorities that https trusts are those of the system (its ca-certificates), or what SSL_CERT_FILE,
SSL_CERT_DIR or --ca-file names. Names of hosts come from /etc/hosts and the servers in /etc/resolv.conf;
other sources of the system (nsswitch: LDAP, mDNS) are not asked.

Licences: Hone's own is LICENSE; those of what is linked in are in licenses/, the list of parts with
versions and checksums in sbom.cdx.json. To build the programs again with a library changed:
deploy/static/build in Hone's source.
"""


def own_files(args, version):
    """{name in the package: (bytes, mode)}."""
    files = {}
    for path in sorted(args.programs.rglob("*")):
        if path.is_file():
            name = str(path.relative_to(args.programs))
            files[name] = (path.read_bytes(), 0o755 if name.startswith("bin/") else 0o644)
    files["LICENSE"] = ((args.root / "LICENSE").read_bytes(), 0o644)
    files["README"] = (README.format(version=version, arch=args.arch).encode(), 0o644)
    files["sbom.cdx.json"] = (bill(args.root, version, args.arch, args.epoch).encode(), 0o644)
    for source in sorted({recipe["source"] for recipe in recipes().values()}):
        text = (args.licences / source / "copyright").read_bytes()
        files[f"licenses/{source}"] = (text, 0o644)
    for name, (_, text) in within(args.root).items():
        files[f"licenses/{name}"] = (text, 0o644)
    files["licenses/musl"] = ((args.compiler / "lib/libc/musl/COPYRIGHT").read_bytes(), 0o644)
    files["licenses/compiler-runtime"] = ((args.compiler / "LICENSE").read_bytes(), 0o644)
    return files


def pack(files, folder, epoch):
    """The bytes of a tar.gz in which everything lies in one folder."""
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        folders = {str(parent) for name in files for parent in pathlib.PurePosixPath(name).parents}
        for name in sorted(folders | set(files)):
            info = tarfile.TarInfo(folder if name == "." else f"{folder}/{name}")
            info.mtime = epoch
            data = None
            if name in files:
                data, info.mode = files[name]
                info.size = len(data)
            else:
                info.type, info.mode = tarfile.DIRTYPE, 0o755
            tar.addfile(info, io.BytesIO(data) if data is not None else None)
    out = io.BytesIO()
    with gzip.GzipFile(filename="", fileobj=out, mode="wb", compresslevel=9, mtime=0) as zipped:
        zipped.write(raw.getvalue())
    return out.getvalue()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("root", "programs", "licences", "compiler", "output"):
        parser.add_argument(f"--{name}", type=pathlib.Path, required=True)
    parser.add_argument("--arch", required=True)
    parser.add_argument("--epoch", type=int, required=True)
    args = parser.parse_args()
    version = re.search(r"version: '([^']+)'", (args.root / "meson.build").read_text()).group(1)
    folder = f"hone-{version}-linux-{args.arch}"
    packed = pack(own_files(args, version), folder, args.epoch)
    path = args.output / f"{folder}.tar.gz"
    path.write_bytes(packed)
    print(f"{hashlib.sha256(packed).hexdigest()}  {path}  {len(packed) / 1e6:.1f} MB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
