"""The command line as a process of its own: signals, a full disk, output that nobody reads."""

import os
import signal
import socket
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.support.repository import ROOT
from tests.support.small_project import write

AS_THE_SCRIPT = ("-c", "from pipeline.__main__ import main; main()")


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    write(tmp_path)
    for name in ("AWS_REGION", "GITHUB_ACTIONS"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_process_with_130_and_no_traceback(here: Path, number: signal.Signals) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent_aws:
        process = subprocess.Popen(
            [sys.executable, "-m", "pipeline", "status", "dev"],
            cwd=here,
            env={
                **os.environ,
                "PYTHONPATH": str(ROOT),
                "AWS_ENDPOINT_URL": f"http://127.0.0.1:{silent_aws.getsockname()[1]}",
                "AWS_ACCESS_KEY_ID": "test",
                "AWS_SECRET_ACCESS_KEY": "test",
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        silent_aws.settimeout(20)
        with silent_aws.accept()[0]:
            process.send_signal(number)
            said, _ = process.communicate(timeout=10)

    assert 130 == process.returncode
    assert "interrupted" in said
    assert "Traceback" not in said


@pytest.mark.parametrize("words", [("-m", "pipeline"), AS_THE_SCRIPT], ids=["module", "script"])
def test_ctrl_c_while_the_command_is_still_being_imported_is_no_traceback(
    here: Path, words: tuple[str, str]
) -> None:
    (here / "rich").mkdir()
    (here / "rich/__init__.py").write_text("import os, signal\nos.kill(os.getpid(), signal.SIGINT)\n")

    done = subprocess.run(
        [sys.executable, *words, "status", "dev"],
        cwd=here,
        env={**os.environ, "PYTHONPATH": f"{here}:{ROOT}"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert 130 == done.returncode
    assert "interrupted before anything was begun" in done.stderr
    assert "Traceback" not in done.stderr


def test_the_slipway_script_is_the_same_command_line(here: Path) -> None:
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]
    done = subprocess.run(
        [sys.executable, *AS_THE_SCRIPT, "deploy", "prod"],
        cwd=here,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )

    assert {"slipway": "pipeline.__main__:main"} == scripts
    assert 2 == done.returncode
    assert "known are dev" in done.stdout + done.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="only Linux has a file that is always full")
@pytest.mark.parametrize("words", [(), ("--json",)])
def test_a_log_on_a_full_disk_is_told_as_such(here: Path, words: tuple[str, ...]) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "pipeline", "plan", "prod", *words],
            cwd=here,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
        )

    assert 8 == done.returncode
    assert "the disk is full" in done.stderr
    assert "Traceback" not in done.stderr


def test_output_that_nobody_wants_changes_nothing(here: Path) -> None:
    done = subprocess.run(
        ["sh", "-c", f"exec {sys.executable} -m pipeline plan prod --json >&-"],
        cwd=here,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )

    assert 2 == done.returncode
    assert "Traceback" not in done.stderr
