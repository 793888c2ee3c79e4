from pathlib import Path

import pytest

from local_aws.checkout import Checkout, for_checkout, is_remembered
from pipeline.errors import LocalAwsError


def test_two_checkouts_have_different_ids_and_names():
    one, other = Checkout(Path("/home/a/slipway")), Checkout(Path("/home/b/slipway"))

    assert one.id != other.id
    assert one.network != other.network
    assert one.label_filter != other.label_filter


def test_a_checkout_reached_through_a_link_is_the_same_checkout(tmp_path):
    real = tmp_path / "real"
    real.mkdir()
    (tmp_path / "link").symlink_to(real)

    assert for_checkout(real).id == for_checkout(tmp_path / "link").id


def test_what_was_chosen_is_remembered(tmp_path):
    checkout = Checkout(tmp_path.resolve(), port=4711, http_port=8099, minute_seconds=0.5)
    checkout.save()

    assert checkout == for_checkout(tmp_path)
    assert is_remembered(checkout)


def test_a_fresh_checkout_has_chosen_nothing_yet(tmp_path):
    assert not is_remembered(for_checkout(tmp_path))


def test_a_broken_memory_says_which_file_to_delete(tmp_path):
    Checkout(tmp_path).save()
    (tmp_path / ".slipway" / "local.json").write_text("{")

    with pytest.raises(LocalAwsError) as raised:
        for_checkout(tmp_path)

    assert "delete" in raised.value.next_step
    assert "local.json" in raised.value.next_step


def test_a_disk_that_is_full_leaves_what_was_remembered_before(tmp_path, monkeypatch):
    Checkout(tmp_path, port=4711).save()

    def full(path, text):
        path.open("w").close()
        raise OSError("No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OSError, match="No space left"):
        Checkout(tmp_path, port=4712).save()

    assert 4711 == for_checkout(tmp_path).port


def test_every_label_carries_the_checkout_and_the_kind():
    checkout = Checkout(Path("/x"))

    assert {
        "slipway.local": checkout.id,
        "slipway.kind": "database",
        "slipway.identifier": "db-1",
    } == checkout.labels("database", identifier="db-1")
