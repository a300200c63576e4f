"""The version of this package: that of Hone, written once, in meson.build."""

from __future__ import annotations

import pathlib
import re


def _of_source_tree() -> str:
    """From the source tree that this file lies in; "" where it is an installed copy."""
    build = pathlib.Path(__file__).resolve().parents[3] / "meson.build"
    try:
        found = re.search(r"^\s*version:\s*'([^']+)'", build.read_text(encoding="utf-8"), re.M)
    except (OSError, IndexError):
        return ""
    return found.group(1) if found else ""


def _of_installed_package() -> str:
    from importlib import metadata
    try:
        return metadata.version("hone-tuner")
    except metadata.PackageNotFoundError:
        return "0"


__version__ = _of_source_tree() or _of_installed_package()
