"""Adapters to other tools, a file each. A file imports its tool only when it is imported itself."""
