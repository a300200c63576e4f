#!/usr/bin/env python3
"""embed.py OUTPUT.c HEADER NAME FILE…: files as texts in C, for the build.
embed.py --web ESBUILD OUTPUT.c FOLDER FILE…: the dashboard, for server/web/assets.h.

The first form defines what HEADER declares: `NAME[]`, the texts in the order given, and
`NAME_count`. YAML becomes JSON. A byte is written as it is, or as three octal digits.

The second form embeds index.html once for each depth of a page, with {base} and {assets} filled in;
the files that it loads; and those that are neither script nor style sheet, each under its name in
FOLDER, plain and compressed. The program ESBUILD makes one file of a script or style sheet of our own
and all that it imports, without comments and long names: together they compress to 7 KB less than
one by one. The same files give the same output.
"""
import gzip
import hashlib
import json
import os
import subprocess
import sys

import yaml

DEPTHS = 6
BASES = ["../" * depth or "./" for depth in range(DEPTHS)]
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


def bundle(esbuild, path):
    """A script or style sheet and all that it imports as one file."""
    done = subprocess.run([esbuild, path, "--bundle", "--minify", "--format=esm", "--charset=utf8",
                           "--target=es2022", "--log-level=warning"], stdout=subprocess.PIPE, check=True)
    return done.stdout


def web_files(esbuild, folder, names):
    """What is served, by name; index.html with its places not filled in."""
    index = read(os.path.join(folder, "index.html"))
    files = {}
    for name in names:
        path = os.path.join(folder, name)
        is_code = name.endswith((".js", ".css"))
        if is_code and f"{{assets}}/{name}".encode() not in index:
            continue
        files[name] = bundle(esbuild, path) if is_code and not name.startswith("vendor/") else read(path)
    return files


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
    files = web_files(esbuild, folder, [os.path.relpath(path, folder) for path in paths])
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
