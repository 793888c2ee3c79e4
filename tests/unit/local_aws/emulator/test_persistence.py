import shutil
import threading

import pytest

from local_aws.checkout import is_remembered
from local_aws.emulator import internals
from local_aws.emulator import persistence as state_module
from local_aws.emulator.persistence import State


@pytest.fixture(autouse=True)
def alone(monkeypatch):
    monkeypatch.setattr(state_module, "_owners", {})
    yield
    for service in ("ec2", "ssm", "ecr", "cloudformation"):
        internals.get(service, "reset")()


def stacks_of(registry):
    return registry.records("AWS::CloudFormation::Stack")


def test_records_come_back_after_the_process_is_gone(registry):
    parameters = internals.get("ssm", "_parameters")
    with registry.scope():
        parameters["/a"] = {"Value": "1"}
    State(registry).save()
    parameters._data.clear()

    assert State(registry).restore()
    with registry.scope():
        assert {"Value": "1"} == parameters["/a"]


def test_what_was_deleted_before_the_last_save_stays_deleted(registry):
    parameters = internals.get("ssm", "_parameters")
    saving = State(registry)
    with registry.scope():
        parameters["/a"] = {"Value": "1"}
        saving.save()
        del parameters["/a"]
        saving.save()
        parameters["/made-at-start"] = {"Value": "2"}
        State(registry).restore()

        assert [] == list(parameters)


def test_records_that_did_not_change_are_saved_again_after_somebody_cleaned_up(registry, tmp_path):
    layer = b"x" * 100_000
    saving = State(registry)
    with registry.scope():
        internals.get("ecr", "_layer_blobs")["orders"] = {"sha256:1": layer}
    saving.save()
    shutil.rmtree(tmp_path / ".slipway")
    saving.save()
    internals.get("ecr", "_layer_blobs")._data.clear()

    assert State(registry).restore()
    assert is_remembered(registry.checkout)  # its port is in the addresses
    with registry.scope():
        assert layer == internals.get("ecr", "_layer_blobs")["orders"]["sha256:1"]


def test_a_fresh_checkout_has_nothing_to_restore(registry):
    assert not State(registry).restore()


def test_image_layers_lie_in_files_of_their_own(registry, tmp_path):
    layer = b"x" * 100_000
    blobs = internals.get("ecr", "_layer_blobs")
    with registry.scope():
        blobs["orders"] = {"sha256:1": layer}
    State(registry).save()
    blobs._data.clear()
    State(registry).restore()

    with registry.scope():
        assert layer == blobs["orders"]["sha256:1"]
    assert (tmp_path / ".slipway/state/ministack.services.ecr.pickle").stat().st_size < 10_000


def test_only_the_owner_can_read_the_state_because_secrets_are_in_it(registry, tmp_path):
    State(registry).save()

    assert 0o700 == (tmp_path / ".slipway/state").stat().st_mode & 0o777


def test_what_a_module_keeps_comes_back(registry):
    put = []
    registry.keep("tasks", lambda: {"a": 1}, put.append)
    State(registry).save()
    State(registry).restore()

    assert [{"a": 1}] == put


def test_a_file_that_cannot_be_read_is_left_out_and_said(registry, tmp_path, caplog):
    State(registry).save()
    (tmp_path / ".slipway/state/kept.pickle").write_bytes(b"\x80broken")
    State(registry).restore()

    assert "kept.pickle cannot be read" in caplog.text


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("CREATE_IN_PROGRESS", "CREATE_FAILED"),
        ("UPDATE_IN_PROGRESS", "UPDATE_ROLLBACK_COMPLETE"),
        ("UPDATE_ROLLBACK_IN_PROGRESS", "UPDATE_ROLLBACK_COMPLETE"),
        ("DELETE_IN_PROGRESS", "DELETE_FAILED"),
        ("REVIEW_IN_PROGRESS", "REVIEW_IN_PROGRESS"),
        ("CREATE_COMPLETE", "CREATE_COMPLETE"),
    ],
)
def test_a_stack_that_was_busy_gets_a_state_from_which_a_deploy_goes_on(registry, before, after):
    with registry.scope():
        stacks_of(registry)["s"] = {"StackName": "s", "StackId": "arn:s", "StackStatus": before}
        State(registry).save()
        State(registry).restore()

        assert after == stacks_of(registry)["s"]["StackStatus"]


def test_saving_what_pickle_cannot_take_leaves_the_rest_saved(registry, caplog):
    registry.keep("bad", lambda: lambda: None, lambda _: None)
    with registry.scope():
        internals.get("ssm", "_parameters")["/a"] = {"Value": "1"}
    saving = State(registry)
    saving.save()
    saving.save()

    assert 1 == caplog.text.count("kept cannot be saved")
    assert State(registry).restore()


@pytest.mark.parametrize(
    "error", [OSError("No space left on device"), RuntimeError("changed size"), KeyError("x")]
)
def test_a_save_that_fails_is_not_the_last_one(registry, monkeypatch, error):
    saves, again = [], threading.Event()

    def save():
        saves.append(1)
        if len(saves) == 1:
            raise error
        again.set()

    monkeypatch.setattr(state_module, "PAUSE_SECONDS", 0.001)
    saving = State(registry)
    monkeypatch.setattr(saving, "save", save)
    saving.begin()

    assert again.wait(10)
    saving.end()
