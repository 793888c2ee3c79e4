"""What an engine says of a task's containers, and what it leaves unsaid."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from docker.errors import APIError, ImageNotFound, NotFound

from local_aws.checkout import Checkout
from local_aws.ecs.tasks import containers as module
from local_aws.ecs.tasks.containers import Containers, Seen


def raising(error: Exception) -> Any:
    def call(*_: Any, **__: Any) -> Any:
        raise error

    return call


def containers(**client: Any) -> Containers:
    made = Containers(Checkout(Path("/x")))
    made.__dict__["_client"] = SimpleNamespace(**client)
    return made


@pytest.mark.parametrize(
    ("error", "seen"),
    [
        (NotFound("gone"), Seen(running=False, exit_code=137)),
        (APIError("500 Server Error"), None),
        (OSError("connection refused"), None),
    ],
)
def test_a_container_that_is_gone_was_killed_and_one_that_nobody_tells_of_is_unknown(
    error: Exception, seen: Seen | None
) -> None:
    api = SimpleNamespace(inspect_container=raising(error))

    assert seen == containers(api=api).see("id")


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (["CMD", "service", "health"], ["service", "health"]),
        (["CMD-SHELL", "service health || exit 1"], ["/bin/sh", "-c", "service health || exit 1"]),
    ],
)
@pytest.mark.parametrize(("code", "passes"), [(0, True), (1, False), (None, False)])
def test_a_health_checks_command_passes_with_exit_code_0(
    command: list[str], words: list[str], code: int | None, passes: bool
) -> None:
    run: list[Any] = []
    api = SimpleNamespace(
        exec_create=lambda container, words: run.append((container, words)) or {"Id": "exec"},
        exec_start=lambda _: b"",
        exec_inspect=lambda _: {"ExitCode": code},
    )

    assert passes is containers(api=api).passes("id", command)
    assert [("id", words)] == run


def test_a_health_check_that_an_engine_cannot_run_has_not_passed() -> None:
    assert not containers(api=SimpleNamespace(exec_create=raising(NotFound("gone")))).passes(
        "id", ["CMD", "x"]
    )


@pytest.mark.parametrize(
    ("error", "whole"), [(None, True), (NotFound("gone"), True), (APIError("500 Server Error"), False)]
)
def test_what_an_engine_did_not_remove_is_said(error: Exception | None, whole: bool) -> None:
    thing = SimpleNamespace(remove=(lambda **_: None) if error is None else raising(error))
    things = SimpleNamespace(list=lambda **_: [thing])

    assert whole is containers(containers=things, volumes=things).remove_task("1")


def test_an_engine_that_does_not_answer_has_removed_nothing() -> None:
    away = SimpleNamespace(list=raising(OSError("connection refused")))

    assert not containers(containers=away, volumes=away).remove_task("1")


def test_an_image_of_the_local_registry_is_pulled_without_a_credential_helper() -> None:
    pulled: list[Any] = []
    images = SimpleNamespace(pull=lambda name, auth_config: pulled.append((name, auth_config["username"])))

    containers(images=images).pull("localhost:4566/orders@sha256:1")

    assert [("localhost:4566/orders@sha256:1", "AWS")] == pulled


def test_a_container_has_the_labels_of_its_definition_and_publishes_no_port(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "base_image", lambda *_: "debian")
    created: list[dict[str, Any]] = []

    def create(image: str, **options: Any) -> Any:
        created.append({"image": image, **options})
        networks = {"NetworkSettings": {"Networks": {options.get("network"): {"IPAddress": "10.0.0.7"}}}}
        return SimpleNamespace(id="1", attrs=networks, start=lambda: None, reload=lambda: None)

    image = SimpleNamespace(attrs={"Config": {"Volumes": None}})
    there = SimpleNamespace(get=lambda _: image)
    made = containers(containers=SimpleNamespace(create=create), images=there, networks=there)
    made.start_network_holder("0123456789")
    labels = {"database": "db.example"}
    definition: Any = {"name": "app", "image": "i", "dockerLabels": labels}
    made.start("0123456789", definition | {"portMappings": [{"containerPort": 80}]}, {}, "1", [])

    assert [False, False] == ["ports" in one or "publish_all_ports" in one for one in created]
    assert labels.items() <= created[1]["labels"].items()
    assert "container:1" == created[1]["network_mode"]
    assert ("debian", "SIGKILL") == (created[0]["image"], created[0]["stop_signal"])


def test_a_base_image_that_somebody_removed_is_had_again(monkeypatch: pytest.MonkeyPatch) -> None:
    had: list[str] = []
    monkeypatch.setattr(module, "base_image", lambda *_: had.append("debian") or "debian")
    images = SimpleNamespace(get=lambda _: None)
    made = containers(images=images)

    assert ["debian"] * 2 == [made._holder_image() for _ in range(2)]
    assert 1 == len(had)

    images.get = raising(ImageNotFound("gone"))

    assert "debian" == made._holder_image()
    assert 2 == len(had)
