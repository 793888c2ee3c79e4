"""A clone of this checkout, somewhere else, worked with as a newcomer would: through make."""

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.repository import ROOT

OLD = 946684800  # 2000-01-01: older than any stamp of make's; else make would install again


@dataclass(frozen=True)
class Ran:
    """What a command printed, and how it ended."""

    exit_code: int
    output: str

    @property
    def url(self) -> str:
        """The last URL of a load balancer that was printed."""
        return re.findall(r"http://localhost:\d+", self.output)[-1]


@dataclass(frozen=True)
class Clone:
    """A checkout of its own, with nothing of ours on its way in."""

    path: Path

    def run(self, *command: str, seconds: float = 900, **environment: str) -> Ran:
        with self.start(*command, **environment) as process:
            try:
                output, _ = process.communicate(timeout=seconds)
            except subprocess.TimeoutExpired:
                process.kill()
                output, _ = process.communicate()
                pytest.fail(f"{' '.join(command)} still ran after {seconds:.0f} s:\n{output}")
        print(f"$ {' '.join(command)}\n{output}")
        return Ran(process.returncode, output)

    def make(self, *words: str, **environment: str) -> Ran:
        return self.run("make", *words, **environment)

    def pipeline(self, *words: str, **environment: str) -> Ran:
        return self.run(".venv/bin/python", "-m", "pipeline", *words, **environment)

    def start(self, *command: str, **environment: str) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            command,
            cwd=self.path,
            env={**clean_environment(), **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def replace(self, file: str, old: str, new: str) -> None:
        path = self.path / file
        text = path.read_text()
        assert old in text, f"{file} no longer holds {old!r}"
        path.write_text(text.replace(old, new))


def clean_environment() -> dict[str, str]:
    """This process's environment without what would lead make, Python or AWS elsewhere."""
    private = ("AWS_", "GITHUB_", "MAKE", "PYTEST", "SLIPWAY_", "VIRTUAL_ENV", "CI")
    return {name: value for name, value in os.environ.items() if not name.startswith(private)} | {
        # AWS_CA_BUNDLE and its kin are the machine's own, and no credential.
        name: value
        for name, value in os.environ.items()
        if name.endswith("CA_BUNDLE")
    }


def clone_to(path: Path, *, packages: bool = True) -> Clone:
    """The files git tracks, and the new ones it does not ignore, as they are in the working tree.

    packages: the clone uses this run's installed packages; without them, `make` there installs its own.
    """
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (path / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, path / name)
    git = ["git", "-c", "user.name=test", "-c", "user.email=test@example.invalid"]
    for words in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "A fork"]):
        subprocess.run([*git, *words], cwd=path, check=True)
    if packages:
        share_packages(path)
    return Clone(path)


def share_packages(path: Path) -> None:
    """Link this run's virtual environments into a clone, so that `make` there never installs into them."""
    here = Path(sys.prefix)
    for environment in {here, *(stamp.parent for stamp in here.parent.glob(".venv*/*stamp"))}:
        (path / (".venv" if environment == here else environment.name)).symlink_to(environment)
    for file in (*path.glob("requirements/*"), path / "pyproject.toml"):
        os.utime(file, (OLD, OLD))


def assert_one_clear_message(ran: Ran, exit_code: int, *words: str) -> None:
    assert exit_code == ran.exit_code
    assert "Traceback" not in ran.output
    for word in words:
        assert word in ran.output
