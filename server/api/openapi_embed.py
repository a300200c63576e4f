#!/usr/bin/env python3
"""openapi_embed.py INPUT.yaml OUTPUT.c: the API document as JSON in a C array."""
import json
import sys

import yaml


def main():
    with open(sys.argv[1], encoding="utf-8") as source:
        document = yaml.safe_load(source)
    data = json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"
    with open(sys.argv[2], "w", encoding="ascii") as out:
        out.write('#include "server/api/pages.h"\n\nconst unsigned char openapi_json[] = {\n')
        for at in range(0, len(data), 24):
            out.write("    " + ",".join(str(byte) for byte in data[at:at + 24]) + ",\n")
        out.write("};\nconst size_t openapi_json_len = sizeof openapi_json;\n")


main()
