#!/usr/bin/env python3
"""embed.py OUTPUT.c HEADER NAME FILE…: files as texts in C, for the build.
embed.py --web ESBUILD OUTPUT.c FOLDER FILE…: the dashboard, for server/web/assets.h.

The first form defines what HEADER declares: `NAME[]`, the texts in the order given, and
`NAME_count`. YAML becomes JSON. A byte is written as it is, or as three octal digits.

The second form embeds each file under its name in FOLDER, plain and compressed, and index.html once
for each depth of a page, with {base} and {assets} filled in. Scripts and style sheets of our own are
first shortened by the program ESBUILD. The same files give the same output.
"""
import gzip
import hashlib
import json
import os
import subprocess
import sys

import yaml

BASES = ["./", "../", "../../", "../../../"]
TYPES = {".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8",
         ".svg": "image/svg+xml", ".LICENSE": "text/plain; charset=utf-8",
         ".html": "text/html; charset=utf-8"}


def read(path):
    with open(path, "rb") as source:
        content = source.read()
    if not path.endswith(".yaml"):
        return content
    document = yaml.safe_load(content)
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"


def literal(content):
    """The content as string literals, a short one a line."""
    def character(byte):
        return chr(byte) if 32 <= byte < 127 and chr(byte) not in '"\\?' else f"\\{byte:03o}"
    lines = (content[at:at + 80] for at in range(0, len(content), 80))
    return "\n".join('    "' + "".join(map(character, line)) + '"' for line in lines) or '    ""'


def begin(out, header):
    out.write(f'#include "{header}"\n\n#pragma GCC diagnostic ignored "-Woverlength-strings"\n\n')


def write_texts(output, header, name, *files):
    with open(output, "w", encoding="ascii") as out:
        begin(out, header)
        out.write(f"const char *const {name}[] = {{\n")
        out.writelines(literal(read(path)) + ",\n" for path in files)
        out.write(f"}};\nconst int {name}_count = sizeof {name} / sizeof {name}[0];\n")


def shorten(esbuild, name, content):
    """A script or style sheet without comments and long local names; each stays a file of its own."""
    kind = os.path.splitext(name)[1][1:]
    if kind not in ("js", "css") or name.startswith("vendor/"):
        return content
    done = subprocess.run([esbuild, "--minify", "--charset=utf8", "--target=es2022", f"--loader={kind}"],
                          input=content, stdout=subprocess.PIPE, check=True)
    return done.stdout


def entry(name, content):
    """A struct web_file."""
    packed = gzip.compress(content, 9, mtime=0)
    kind = TYPES[os.path.splitext(name)[1]]
    digest = hashlib.sha256(content).hexdigest()[:16]
    return (f'  {{"{name}", "{kind}", "{digest}",\n'
            f"   {{{len(content)},\n{literal(content)}}},\n   {{{len(packed)},\n{literal(packed)}}}}},\n")


def hash_of(files):
    """One hash over names and contents, in any order of the files."""
    total = hashlib.sha256()
    for name, content in sorted(files.items()):
        total.update(f"{name}\0{len(content)}\0".encode() + content)
    return total.hexdigest()[:16]


def write_web(esbuild, output, folder, *paths):
    names = {os.path.relpath(path, folder): path for path in paths}
    files = {name: shorten(esbuild, name, read(path)) for name, path in names.items()}
    index = files["index.html"].decode()
    assets = "assets/" + hash_of(files)
    del files["index.html"]
    with open(output, "w", encoding="ascii") as out:
        begin(out, "server/web/assets.h")
        out.write(f'const char web_hash[] = "{assets.removeprefix("assets/")}";\n'
                  "const struct web_file web_files[] = {\n")
        out.writelines(entry(name, content) for name, content in sorted(files.items()))
        out.write("};\nconst size_t web_n_files = sizeof web_files / sizeof web_files[0];\n"
                  "const char *const web_bases[WEB_DEPTHS] = {"
                  + ", ".join(f'"{base}"' for base in BASES)
                  + "};\nconst struct web_file web_pages[WEB_DEPTHS] = {\n")
        out.writelines(
            entry("index.html", index.replace("{base}", base).replace("{assets}", assets).encode())
            for base in BASES)
        out.write("};\n")


if __name__ == "__main__":
    if sys.argv[1] == "--web":
        write_web(*sys.argv[2:])
    else:
        write_texts(*sys.argv[1:])
