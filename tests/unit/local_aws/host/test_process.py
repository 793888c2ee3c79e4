import os
import signal
import subprocess
import sys
import uuid
from dataclasses import replace

import psutil
import pytest

from local_aws.host import process


@pytest.fixture
def word():
    """What no other process on this machine has in its command, not even the same test in another worker."""
    return f"slipway-test-{uuid.uuid4()}"


@pytest.fixture
def sleeper(word):
    with subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)", word]) as child:
        yield child
        child.kill()


def test_a_process_is_known_again_by_pid_and_start_time(tmp_path, sleeper):
    process.of(sleeper.pid).save(tmp_path / "server.json")

    assert process.remembered(tmp_path / "server.json").alive()


def test_another_process_with_the_same_pid_is_not_taken_for_ours():
    mine = process.of(os.getpid())

    assert mine.alive()
    assert not replace(mine, started=1.0).alive()


def test_a_signal_never_reaches_a_process_that_only_has_the_pid(sleeper):
    replace(process.of(sleeper.pid), started=1.0).signal(signal.SIGKILL)

    assert sleeper.poll() is None


def test_a_zombie_is_not_alive(sleeper):
    ours = process.of(sleeper.pid)
    os.kill(sleeper.pid, signal.SIGKILL)
    os.waitid(os.P_PID, sleeper.pid, os.WEXITED | os.WNOWAIT)

    assert not ours.alive()


def test_a_process_is_alive_until_its_last_thread_has_ended():
    ends_its_first_thread = (
        "import ctypes, threading, time; threading.Thread(target=time.sleep, args=(60,)).start(); "
        "ctypes.CDLL(None).pthread_exit(None)"
    )
    with subprocess.Popen([sys.executable, "-c", ends_its_first_thread]) as child:
        ours = process.of(child.pid)
        while psutil.Process(child.pid).status() != psutil.STATUS_ZOMBIE:
            pass

        alive = ours.alive()
        child.kill()
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)

        assert alive
        assert not ours.alive()


def test_a_pid_that_nobody_has_is_no_process():
    assert process.of(2**22 + 1) is None


@pytest.mark.parametrize("text", ["", "{", '{"pid": 1}', "[]", '{"pid": 1, "started": "a boot/1"}'])
def test_a_broken_pid_file_remembers_nothing(tmp_path, text):
    (tmp_path / "server.json").write_text(text)

    assert process.remembered(tmp_path / "server.json") is None


def test_a_process_is_found_by_the_words_of_its_command(sleeper, word):
    assert process.of(sleeper.pid) == process.by_command(word)
    assert process.by_command(word, "and another") is None
