#!/usr/bin/env python3
"""embed.py OUTPUT.c HEADER NAME FILE…: files as texts in C, for the build.

Defines what HEADER declares: `NAME[]`, the texts in the order given, and `NAME_count`. YAML becomes
JSON. A byte is written as it is, or as three octal digits.
"""
import json
import sys

import yaml


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
    return "\n".join('    "' + "".join(map(character, line)) + '"' for line in lines)


def main():
    output, header, name, *files = sys.argv[1:]
    with open(output, "w", encoding="ascii") as out:
        out.write(f'#include "{header}"\n\n#pragma GCC diagnostic ignored "-Woverlength-strings"\n\n')
        out.write(f"const char *const {name}[] = {{\n")
        out.writelines(literal(read(path)) + ",\n" for path in files)
        out.write(f"}};\nconst int {name}_count = sizeof {name} / sizeof {name}[0];\n")


main()
