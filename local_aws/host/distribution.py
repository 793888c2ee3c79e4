"""The machine's own Linux distribution: its name, its package sources, its packages."""

import os
import subprocess
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from pipeline.errors import DockerError

OS_RELEASE = Path("/etc/os-release")
APT = Path("/etc/apt")


@dataclass(frozen=True)
class Distribution:
    """suite: bookworm, noble, ...; empty on another distribution.
    has_packages: the distribution is Debian or Ubuntu, so apt and mmdebstrap work.
    sources: the files with the suite's own package sources, without those of third parties.
    apt_options: apt's proxies and certificates.
    """

    suite: str
    has_packages: bool
    sources: tuple[str, ...] = ()
    apt_options: tuple[str, ...] = ()


def this_distribution() -> Distribution:
    """The distribution of this machine; has_packages is False unless it is Debian or Ubuntu."""
    text = OS_RELEASE.read_text() if OS_RELEASE.exists() else ""
    release = parse_os_release(text)
    family = {release.get("ID", ""), *release.get("ID_LIKE", "").split()}
    suite = release.get("VERSION_CODENAME", "")
    if not suite or not family & {"debian", "ubuntu"}:
        return Distribution(suite="", has_packages=False)
    files = [APT / "sources.list", *sorted((APT / "sources.list.d").glob("*"))]
    return Distribution(
        suite=suite,
        has_packages=True,
        sources=own_sources(suite, files),
        apt_options=network_options(_apt_configuration()),
    )


def parse_os_release(text: str) -> Mapping[str, str]:
    """os-release(5) as a dict."""
    pairs = (line.split("=", 1) for line in text.splitlines() if "=" in line)
    return {key.strip(): value.strip().strip("\"'") for key, value in pairs}


def own_sources(suite: str, files: Iterable[Path]) -> tuple[str, ...]:
    """The files that name the suite and its main component. apt reads .list and .sources files only."""
    own = []
    for path in files:
        if path.suffix not in (".list", ".sources") or not path.is_file():
            continue
        words = {word for line in path.read_text().splitlines() for word in _words(line)}
        if {suite, "main"} <= words:
            own.append(str(path))
    return tuple(own)


def network_options(configuration: str) -> tuple[str, ...]:
    """The proxy and certificate settings in the output of `apt-config dump`."""
    return tuple(
        line.strip()
        for line in configuration.splitlines()
        if line.startswith("Acquire::http") and ("Proxy" in line or "CaInfo" in line) and '""' not in line
    )


def available_packages(names: Iterable[str]) -> list[str]:
    """The packages among `names` that the package sources have."""
    return [
        name
        for name in names
        if subprocess.run(  # noqa: S603
            ["/usr/bin/apt-cache", "show", name], capture_output=True, check=False
        ).returncode
        == 0
    ]


def install_packages(packages: Sequence[str], log: Callable[[str], None]) -> None:
    """Install packages with apt. Raises DockerError, which names the packages, when that is not possible."""
    names = " ".join(packages)
    if not this_distribution().has_packages or os.geteuid() != 0:
        raise DockerError(
            f"{names} is missing",
            why="installing it needs root on Debian or Ubuntu",
            next_step=f"sudo apt-get install {names}",
        )
    log(f"installing {names}")
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for arguments in (["update", "-q"], ["install", "-y", "-q", "--no-install-recommends", *packages]):
        done = subprocess.run(  # noqa: S603 - a list of our own making
            ["/usr/bin/apt-get", *arguments], capture_output=True, text=True, check=False, env=environment
        )
        if done.returncode != 0 and arguments[0] == "install":
            why = "\n".join(done.stderr.splitlines()[-3:])
            raise DockerError(
                f"{names} could not be installed",
                why=why,
                next_step=f"install it by hand: apt-get install {names}",
            )


def _words(line: str) -> list[str]:
    return line.split("#", 1)[0].split()


def _apt_configuration() -> str:
    try:
        return subprocess.run(
            ["/usr/bin/apt-config", "dump", "Acquire"], capture_output=True, text=True, check=False
        ).stdout
    except FileNotFoundError:
        return ""
