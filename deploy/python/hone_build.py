"""Builds hone-tuner: its sdist, the wheel of the client alone, and what ./wheel adds the programs to.

This is the build backend (PEP 517) that pyproject.toml names. It needs nothing but the standard library,
so that neither a build nor `pip install` of the sdist asks any network. In the source tree the version is
that of meson.build; in an sdist PKG-INFO, which was written there, holds the whole of the metadata.

Archives are the same, byte for byte, whenever and wherever they are made of the same files: names are
sorted, every file is of the moment SOURCE_DATE_EPOCH (1980 unless set), and modes are 644 or 755.
"""

import base64
import csv
import gzip
import hashlib
import io
import os
import pathlib
import re
import tarfile
import time
import zipfile

HERE = pathlib.Path(__file__).resolve().parent
PACKAGE = "hone"
PLUGINS = "hydra_plugins"  # a package that others have files in, too
SOURCES = ("LICENSE", "PKG-INFO", "description.md", "hone_build.py", "pyproject.toml")  # of an sdist
CLIENT_ALONE = ("hone-tuner: this is the Python client alone. The programs hone and honed come with the "
                "wheel: pip install --only-binary=:all: hone-tuner")
_EPOCH_OF_ZIP = 315532800  # 1980-01-01, the first moment that a zip file can tell


class BuildError(Exception):
    """Says what is wrong with what there is to build from."""


# ---- what is known of the project ---------------------------------------------------------------


def version():
    """That of meson.build, the one place where it is written down."""
    place = HERE.parents[1] / "meson.build"
    try:
        found = re.search(r"^project\([^)]*?^\s*version:\s*'([^']+)'", place.read_text("utf-8"), re.M | re.S)
    except OSError as fault:
        raise BuildError(f"cannot read the version: {fault}") from None
    if found is None:
        raise BuildError(f"{place} says no version in its project(…)")
    return found.group(1)


def metadata(license_expression=None, license_files=("LICENSE",)):
    """The text of METADATA (PKG-INFO of an sdist), core metadata 2.4.

    An expression and files given stand for those of the client alone: what else a wheel holds has
    licences of its own.
    """
    written = HERE / "PKG-INFO"
    if written.exists():
        return written.read_text("utf-8")
    project = _read_project()
    fields = [("Metadata-Version", "2.4"), ("Name", project["name"]), ("Version", version()),
              ("Summary", project["description"])]
    if project.get("keywords"):
        fields.append(("Keywords", ",".join(project["keywords"])))
    fields += [("Author", author["name"]) for author in project.get("authors", [])]
    fields.append(("License-Expression", license_expression or project["license"]))
    fields += [("License-File", name) for name in license_files]
    fields += [("Classifier", line) for line in project.get("classifiers", [])]
    fields += [("Project-URL", f"{name}, {url}") for name, url in project.get("urls", {}).items()]
    fields.append(("Requires-Python", project["requires-python"]))
    fields += [("Requires-Dist", line) for line in project.get("dependencies", [])]
    for extra, packages in sorted(project.get("optional-dependencies", {}).items()):
        fields.append(("Provides-Extra", extra))
        fields += [("Requires-Dist", _in_extra(line, extra)) for line in packages]
    fields.append(("Description-Content-Type", "text/markdown"))
    for name, value in fields:
        if "\n" in value:
            raise BuildError(f"pyproject.toml: {name} is more than one line")
    head = "".join(f"{name}: {value}\n" for name, value in fields)
    return head + "\n" + (HERE / project["readme"]).read_text("utf-8")


def client_files():
    """{name in an archive: bytes} of the packages, without what Python made of them."""
    found = {}
    for path in sorted([*(HERE / PACKAGE).rglob("*"), *(HERE / PLUGINS).rglob("*")]):
        name = path.relative_to(HERE)
        if path.is_file() and "__pycache__" not in name.parts and path.suffix in (".py", ".typed", ".md"):
            found[name.as_posix()] = path.read_bytes()
    if f"{PACKAGE}/__init__.py" not in found:
        raise BuildError(f"there is no {HERE / PACKAGE}/__init__.py")
    return found


def licence():
    """The text of Hone's own licence, from the root of the source tree or of the sdist."""
    for place in (HERE / "LICENSE", HERE.parents[1] / "LICENSE"):
        if place.is_file():
            return place.read_bytes()
    raise BuildError("there is no LICENSE")


def _read_project():
    try:
        import tomllib
    except ImportError:
        raise BuildError("a build from the source tree needs Python 3.11 or later") from None
    with open(HERE / "pyproject.toml", "rb") as file:
        return tomllib.load(file)["project"]


def _in_extra(requirement, extra):
    requirement, _, marker = requirement.partition(";")
    marker = f"({marker.strip()}) and " if marker.strip() else ""
    return f'{requirement.strip()}; {marker}extra == "{extra}"'


# ---- archives -----------------------------------------------------------------------------------


def moment():
    """Of every file in an archive: seconds since 1970."""
    return max(int(os.environ.get("SOURCE_DATE_EPOCH", _EPOCH_OF_ZIP)), _EPOCH_OF_ZIP)


def write_wheel(folder, tags, files, dist_info, programs=()):
    """Writes a wheel and returns its file's name.

    tags: such as ["py3-none-any"], which differ in their platform alone; files: {name: bytes} of what is
    installed; dist_info: the same of the folder of that name, without WHEEL and RECORD; programs: the
    names among `files` that are executable.
    """
    stem = f"hone_tuner-{version_of(dist_info['METADATA'])}"
    python = tags[0].rpartition("-")[0]
    name = f"{stem}-{python}-{'.'.join(tag.rpartition('-')[2] for tag in tags)}.whl"
    pure = "true" if tags == ["py3-none-any"] else "false"
    wheel = f"Wheel-Version: 1.0\nGenerator: hone_build\nRoot-Is-Purelib: {pure}\n"
    wheel += "".join(f"Tag: {tag}\n" for tag in tags)
    dist_info = {**dist_info, "WHEEL": wheel.encode()}
    members = [(member, files[member]) for member in sorted(files)]
    members += [(f"{stem}.dist-info/{member}", dist_info[member]) for member in sorted(dist_info)]
    record = f"{stem}.dist-info/RECORD"
    members.append((record, _record(members, record)))
    path = pathlib.Path(folder, name)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for member, data in members:
            entry = zipfile.ZipInfo(member, time.gmtime(moment())[:6])
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system = 3  # Unix: the mode counts
            entry.external_attr = (0o100755 if member in programs else 0o100644) << 16
            archive.writestr(entry, data, compresslevel=9)
    return name


def version_of(text):
    """The version that a METADATA says."""
    return re.search(rb"^Version: (.+)$", text, re.M).group(1).decode()


def _record(members, itself):
    text = io.StringIO()
    lines = csv.writer(text, lineterminator="\n")
    for name, data in members:
        digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
        lines.writerow([name, f"sha256={digest}", len(data)])
    lines.writerow([itself, "", ""])
    return text.getvalue().encode()


def client_dist_info():
    """The dist-info of the client alone, as write_wheel takes it."""
    return {"METADATA": metadata().encode(), "licenses/LICENSE": licence()}


# ---- the hooks of PEP 517 -----------------------------------------------------------------------


def get_requires_for_build_wheel(config_settings=None):
    return []


def get_requires_for_build_sdist(config_settings=None):
    return []


def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    """The client alone. What is printed here is shown by `pip install -v`."""
    print(CLIENT_ALONE)
    return write_wheel(wheel_directory, ["py3-none-any"], client_files(), client_dist_info())


def build_sdist(sdist_directory, config_settings=None):
    text = metadata().encode()
    root = f"hone_tuner-{version_of(text)}"
    files = {**client_files(), "LICENSE": licence(), "PKG-INFO": text}
    for name in SOURCES:
        if name not in files:
            files[name] = (HERE / name).read_bytes()
    path = pathlib.Path(sdist_directory, root + ".tar.gz")
    with open(path, "wb") as raw, gzip.GzipFile("", "wb", 9, raw, mtime=moment()) as packed, \
            tarfile.open(fileobj=packed, mode="w", format=tarfile.PAX_FORMAT) as archive:
        for name in sorted(files):
            member = tarfile.TarInfo(f"{root}/{name}")
            member.size, member.mtime, member.mode = len(files[name]), moment(), 0o644
            archive.addfile(member, io.BytesIO(files[name]))
    return path.name
