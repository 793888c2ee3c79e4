"""Whose requests a local AWS answers: its own checkout's, and those of nobody's in particular."""

import dataclasses
from pathlib import Path

import pytest

from local_aws.access.own_checkout import refusal
from local_aws.checkout import Checkout
from local_aws.emulator.request import Request

OURS, ANOTHER = Checkout(Path("/ours")), Checkout(Path("/another"))
REQUEST = Request("sts", "sts:GetCallerIdentity", {}, "*", "eu-west-1", OURS.account, "", {})


@pytest.mark.parametrize("key", [OURS.access_key, "test", "", "AKIAIOSFODNN7EXAMPLE"])
def test_the_checkouts_own_key_and_any_other_are_answered(key: str) -> None:
    assert refusal(dataclasses.replace(REQUEST, access_key=key), OURS) is None


def test_another_checkouts_key_is_refused_with_what_happened() -> None:
    refused = refusal(dataclasses.replace(REQUEST, access_key=ANOTHER.access_key), OURS)

    assert refused is not None
    assert 400 <= refused[0] < 500
    assert b"InvalidClientTokenId" in refused[2]
    assert b"this is the local AWS of /ours, and yours no longer runs" in refused[2]
