from types import SimpleNamespace

import psutil
import pytest

from local_aws.host import docker_engine
from local_aws.host.docker_engine import _unreachable, last_lines, pid_file_is_stale, refuse_out_of_reach
from pipeline.errors import DockerError


@pytest.fixture
def machine(tmp_path, monkeypatch):
    """A machine with the processes that it is called with, and no others."""
    processes = {}

    def with_process(pid, name, status):
        processes[pid] = SimpleNamespace(name=lambda: name, status=lambda: status)

    def process(pid):
        if pid not in processes:
            raise psutil.NoSuchProcess(pid)
        return processes[pid]

    monkeypatch.setattr(psutil, "Process", process)
    with_process.pid_file = tmp_path / "docker.pid"
    with_process.log_file = tmp_path / "log"
    return with_process


def stale(machine):
    return pid_file_is_stale(machine.pid_file)


def test_no_pid_file_is_not_a_stale_one(machine):
    assert not stale(machine)


def test_the_pid_file_of_a_running_dockerd_stays(machine):
    machine.pid_file.write_text("7\n")
    machine(7, "dockerd", psutil.STATUS_SLEEPING)

    assert not stale(machine)


def test_the_pid_file_of_a_dockerd_that_is_gone_is_stale(machine):
    machine.pid_file.write_text("7")

    assert stale(machine)


def test_the_pid_file_of_a_zombie_is_stale(machine):
    machine.pid_file.write_text("7")
    machine(7, "dockerd", psutil.STATUS_ZOMBIE)

    assert stale(machine)


def test_a_pid_that_another_program_has_by_now_is_stale(machine):
    machine.pid_file.write_text("7")
    machine(7, "a (strange) dockerd", psutil.STATUS_SLEEPING)

    assert stale(machine)


def test_a_pid_file_without_a_number_is_stale(machine):
    machine.pid_file.write_text("")

    assert stale(machine)


def test_a_user_who_may_not_use_docker_is_told_so():
    error = _unreachable(PermissionError(13, "Permission denied"))

    assert "may not use" in error.what
    assert "usermod" in error.next_step


def test_a_silent_engine_is_told_in_one_line():
    error = _unreachable(ConnectionRefusedError("refused\nand a long tail"))

    assert "refused" == error.why
    assert "install" in error.next_step


def test_the_last_lines_of_a_log_that_is_not_there_are_none(tmp_path):
    assert [] == last_lines(tmp_path / "none.log")


@pytest.mark.parametrize(
    ("told", "named"),
    [
        ({"OperatingSystem": "Docker Desktop"}, "Docker Desktop"),
        ({"OperatingSystem": "Debian", "SecurityOptions": ["name=cgroupns", "name=rootless"]}, "rootless"),
    ],
)
def test_an_engine_whose_containers_are_out_of_reach_is_refused_before_anything_is_made(told, named):
    with pytest.raises(DockerError) as raised:
        refuse_out_of_reach(SimpleNamespace(info=lambda: told))

    assert named in raised.value.what
    assert "Docker Engine on Linux" in raised.value.next_step


@pytest.mark.parametrize(
    "told",
    [
        {
            "OperatingSystem": "Debian GNU/Linux 12 (bookworm)",
            "SecurityOptions": ["name=seccomp,profile=builtin"],
        },
        {"OperatingSystem": "Ubuntu 24.04", "SecurityOptions": None},
    ],
)
def test_an_engine_on_this_machine_is_taken(told):
    refuse_out_of_reach(SimpleNamespace(info=lambda: told))


@pytest.fixture
def debian(machine, monkeypatch):
    """A Debian machine without an engine; what was started on it, and whether a pid file was there."""
    started = []

    def dockerd(command, **_):
        started.append((command, machine.pid_file.exists()))
        return SimpleNamespace(poll=lambda: None)

    def connect():
        if not started:
            raise DockerError("no Docker engine answers")
        return "the client"

    monkeypatch.delenv("DOCKER_HOST", raising=False)
    monkeypatch.setattr(docker_engine, "PID_FILE", machine.pid_file)
    monkeypatch.setattr(docker_engine, "LOG_FILE", machine.log_file)
    monkeypatch.setattr(docker_engine, "connect", connect)
    monkeypatch.setattr(docker_engine, "this_distribution", lambda: SimpleNamespace(has_packages=True))
    monkeypatch.setattr(docker_engine.os, "geteuid", lambda: 0)
    monkeypatch.setattr(docker_engine.shutil, "which", lambda name: f"/usr/sbin/{name}")
    monkeypatch.setattr(docker_engine.subprocess, "Popen", dockerd)
    return started


@pytest.mark.parametrize(("state", "stays"), [(psutil.STATUS_ZOMBIE, False), (psutil.STATUS_SLEEPING, True)])
def test_an_engine_that_nobody_started_is_started_without_a_dead_ones_pid_file(debian, machine, state, stays):
    machine.pid_file.write_text("7")
    machine(7, "dockerd", state)

    assert "the client" == docker_engine.ensure_engine(print)
    assert [(["/usr/sbin/dockerd"], stays)] == debian


def test_an_engine_that_answers_is_not_started_again(debian, monkeypatch):
    monkeypatch.setattr(docker_engine, "connect", lambda: "the client")

    assert "the client" == docker_engine.ensure_engine(print)
    assert [] == debian
