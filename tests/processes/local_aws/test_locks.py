"""A lock between commands, and a command that is killed while it holds the lock."""

import subprocess
import sys
from pathlib import Path

import pytest

from local_aws.checkout import Checkout
from local_aws.host import locks
from local_aws.host.locks import alone_in
from pipeline.errors import BusyError

HOLDER = """
import sys, time
from pathlib import Path
from local_aws.checkout import Checkout
from local_aws.host.locks import alone_in

with alone_in(Checkout(Path(sys.argv[1])), print):
    print("held", flush=True)
    time.sleep(60)
"""


def test_a_killed_command_leaves_no_lock_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locks, "WAIT_SECONDS", 0)
    command = [sys.executable, "-c", HOLDER, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert "held\n" == holder.stdout.readline()
        with pytest.raises(BusyError, match="does not end"), alone_in(Checkout(tmp_path), print):
            pass
        holder.kill()
    said: list[str] = []

    with alone_in(Checkout(tmp_path), said.append):
        assert [] == said
