"""The image with the TestSuite: its base, its build context, and building it once.

The build runs pip and apt inside the container. They must work there as they do on the host,
so the context carries the host's certificates, its pip's package index and its apt's mirror.
Where no registry hands out the base image, a base is bootstrapped from that same mirror.
"""

from __future__ import annotations

import ast
import fcntl
import hashlib
import os
import shutil
import ssl
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

from .engine import Engine, EngineError, state_directory

__all__ = ["build_context", "debian_mirror", "ensure_image", "image_name", "pip_settings"]

_DOCKERFILE = Path(__file__).with_name("Dockerfile")
_RELEASE = "bullseye"
_REGISTRY_BASE = f"debian:{_RELEASE}-slim"
_OWN_BASE = f"wsref-{_RELEASE}-base"
_CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt"

# What of pip's configuration says where packages come from.
_PIP_KEYS = ("index-url", "extra-index-url", "trusted-host")

# The daemon may be on another machine as far as its proxies go: it gets ours.
_PROXIES = ("http_proxy", "https_proxy", "no_proxy", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")


def image_name() -> str:
    """Return the image's name, whose tag changes with the Dockerfile."""
    digest = hashlib.sha256(_DOCKERFILE.read_bytes()).hexdigest()
    return f"wsref-autobahntestsuite:{digest[:12]}"


def ensure_image(engine: Engine) -> str:
    """Build the image unless it is there, and return its name.

    Several processes may ask at once: one builds, the others wait.

    Raises:
        EngineError: it cannot be built.
    """
    name = image_name()
    with (state_directory() / "image.lock").open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not engine.succeeds("image", "inspect", name):
            _build(engine, name)
    return name


def _build(engine: Engine, name: str) -> None:
    with tempfile.TemporaryDirectory(prefix="wsref-autobahn-") as directory:
        context = Path(directory)
        build_context(context)
        proxies = [
            argument
            for variable in _PROXIES
            if variable in os.environ
            for argument in ("--build-arg", variable)
        ]
        _run(
            "building the image",
            engine.command(
                "build",
                *("--network", "host"),
                *("--build-arg", f"BASE_IMAGE={_base_image(engine)}"),
                *("--tag", name),
                *proxies,
                *engine.limits(),
                directory,
            ),
        )


def build_context(directory: Path) -> None:
    """Fill *directory* with what the Dockerfile expects beside it."""
    shutil.copyfile(_DOCKERFILE, directory / "Dockerfile")
    (directory / "ca-certificates.crt").write_bytes(_certificates())
    (directory / "pip.conf").write_text(pip_settings(_pip_config()), "utf-8")
    mirror = debian_mirror()
    sources = f"deb {mirror} {_RELEASE} main\n" if mirror else ""
    (directory / "sources.list").write_text(sources, "utf-8")


def _certificates() -> bytes:
    """Return the certificates that this host trusts, in PEM; nothing if in no one file."""
    candidates = (
        os.environ.get("PIP_CERT"),
        os.environ.get("SSL_CERT_FILE"),
        ssl.get_default_verify_paths().cafile,
        _CERTIFICATES,
    )
    for candidate in candidates:
        if candidate and Path(candidate).is_file():
            return Path(candidate).read_bytes()
    return b""


def _pip_config() -> str:
    """Return what ``pip config list`` prints, or nothing where there is no pip."""
    listing = subprocess.run(
        [sys.executable, "-m", "pip", "config", "list"],
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    return listing.stdout if listing.returncode == 0 else ""


def pip_settings(config: str) -> str:
    """Return a ``pip.conf`` with the package indexes of *config*, what ``pip config list`` prints.

    A later line outweighs an earlier one, save that the environment's outweigh all. Indexes in
    the host's own file system are left out: the container does not see them.
    """
    found: dict[str, str] = {}
    from_environment: dict[str, str] = {}
    for line in config.splitlines():
        key, equals, value = line.partition("=")
        scope, _, option = key.rpartition(".")
        if equals and option in _PIP_KEYS:
            target = from_environment if scope == ":env:" else found
            target[option] = str(ast.literal_eval(value))
    found |= from_environment
    lines: list[str] = []
    for option, value in found.items():
        reachable = [word for word in value.split() if not word.startswith(("file:", "/"))]
        if reachable:
            lines.append(f"{option} = {' '.join(reachable)}\n")
    return "".join(["[global]\n", *lines]) if lines else ""


def debian_mirror(etc: Path = Path("/etc")) -> str:
    """Return the mirror that the host's apt uses for Debian, or an empty text if it has none.

    Args:
        etc: The folder with ``os-release`` and ``apt/``.
    """
    release = _assignments(etc / "os-release")
    codename = release.get("VERSION_CODENAME")
    if release.get("ID") != "debian" or codename is None:
        return ""
    apt = etc / "apt"
    for path in [apt / "sources.list", *sorted((apt / "sources.list.d").glob("*"))]:
        if path.suffix == ".list" and path.is_file():
            entries = _one_line_entries(path)
        elif path.suffix == ".sources":
            entries = _stanza_entries(path)
        else:
            continue
        for uri, suites, components in entries:
            if codename in suites and "main" in components:
                return uri
    return ""


def _assignments(path: Path) -> dict[str, str]:
    """Read the ``NAME=value`` lines of an os-release file."""
    if not path.is_file():
        return {}
    pairs = (line.partition("=") for line in path.read_text("utf-8").splitlines())
    return {name: value.strip("\"'") for name, equals, value in pairs if equals}


def _one_line_entries(path: Path) -> Iterable[tuple[str, list[str], list[str]]]:
    """Read apt's older form: ``deb [options] URI suite component...``."""
    for line in path.read_text("utf-8").splitlines():
        words = line.partition("#")[0].split()
        if not words or words[0] != "deb":
            continue
        if words[1].startswith("["):
            end = next(place for place, word in enumerate(words) if word.endswith("]"))
            words = [words[0], *words[end + 1 :]]
        yield words[1], [words[2]], words[3:]


def _stanza_entries(path: Path) -> Iterable[tuple[str, list[str], list[str]]]:
    """Read apt's newer form: paragraphs with ``URIs:``, ``Suites:`` and ``Components:``."""
    for stanza in path.read_text("utf-8").split("\n\n"):
        lines = [line for line in stanza.splitlines() if not line.startswith("#")]
        fields = {
            name.strip(): value.split() for name, _, value in (x.partition(":") for x in lines)
        }
        if "deb" in fields.get("Types", []) and fields.get("Enabled") != ["no"]:
            for uri in fields.get("URIs", []):
                yield uri, fields.get("Suites", []), fields.get("Components", [])


def _base_image(engine: Engine) -> str:
    """Return a base image that is there, pulling or bootstrapping it first if need be."""
    for name in (_REGISTRY_BASE, _OWN_BASE):
        if engine.succeeds("image", "inspect", name):
            return name
    if engine.succeeds("pull", _REGISTRY_BASE):
        return _REGISTRY_BASE
    if shutil.which("debootstrap") is None or os.getuid() != 0:
        raise EngineError(
            f"no registry hands out {_REGISTRY_BASE}, and debootstrap, which could make such a"
            " base, is not installed or we are not root"
        )
    with tempfile.TemporaryDirectory(prefix="wsref-autobahn-base-") as directory:
        mirror = debian_mirror()
        bootstrap = ["debootstrap", "--variant=minbase", _RELEASE, directory]
        _run("bootstrapping a base image", [*bootstrap, mirror] if mirror else bootstrap)
        archive = subprocess.Popen(["tar", "-C", directory, "-c", "."], stdout=subprocess.PIPE)
        _run("importing a base image", engine.command("import", "-", _OWN_BASE), archive)
        if archive.wait() != 0:
            raise EngineError(f"packing a base image failed: tar's status is {archive.returncode}")
    return _OWN_BASE


def _run(what: str, command: list[str], source: subprocess.Popen[bytes] | None = None) -> None:
    """Run *command*, with the output of *source* as its input; the error has its last lines."""
    print(f"autobahn: {what}", file=sys.stderr, flush=True)
    done = subprocess.run(
        command,
        stdin=source.stdout if source else subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    if done.returncode != 0:
        tail = "\n".join(done.stdout.decode("utf-8", "replace").splitlines()[-15:])
        raise EngineError(f"{what} failed with status {done.returncode}:\n{tail}")
