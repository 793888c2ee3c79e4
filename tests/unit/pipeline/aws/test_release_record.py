"""What was released is remembered, however the release ended, and the record does not grow without end."""

from typing import Any, cast

import pytest

from pipeline.aws import release_record
from pipeline.aws.release_record import FAILED, SUCCEEDED, Ending, Release, ReleaseRecord
from tests.support.fakes import FakeSsm, client_error

NAME = release_record.parameter_name("orders", "dev")
GOOD, BAD = Ending(SUCCEEDED, may_serve=True), Ending(FAILED, may_serve=False, why="the gate said no")


@pytest.fixture
def ssm() -> Any:
    return FakeSsm()


def release(ssm: Any, name: str, ending: Ending | None = None, **more: Any) -> None:
    """A release that ends so; without an ending its runner is killed in the middle."""
    record = ReleaseRecord(ssm, NAME)
    begun = Release(id=name, action="deploy", commit=name, **more)
    record.begin(begun)
    if ending is not None:
        record.end(begun, ending, print)


def last(ssm: Any) -> str | None:
    found = ReleaseRecord(ssm, NAME).last
    return found.commit if found else None


def test_nothing_is_remembered_of_an_environment_that_had_no_release(ssm: Any) -> None:
    assert last(ssm) is None
    assert [] == release_record.history(ssm, NAME)


def test_a_release_that_failed_is_remembered_and_is_not_the_last_one(ssm: Any) -> None:
    release(ssm, "1", GOOD)
    release(ssm, "2", BAD)

    assert "1" == last(ssm)
    assert [("2", FAILED, "the gate said no"), ("1", SUCCEEDED, "")] == [
        (each.commit, each.outcome, each.why) for each in release_record.history(ssm, NAME)
    ]


def test_a_release_whose_runner_was_killed_stays_without_an_end_and_may_serve(ssm: Any) -> None:
    release(ssm, "1", GOOD)
    release(ssm, "2")

    [killed, _] = release_record.history(ssm, NAME)

    assert (killed.commit, killed.ended, killed.may_serve) == ("2", "", True)
    assert "2" == last(ssm)
    assert "1" == cast(Release, ReleaseRecord(ssm, NAME).last_ended).commit


def test_an_error_in_the_middle_is_how_it_ended(ssm: Any) -> None:
    begun = Release(id="1", action="deploy")
    with pytest.raises(ValueError, match="halfway"), ReleaseRecord(ssm, NAME).recording(begun, print):
        raise ValueError("halfway")

    [ended] = release_record.history(ssm, NAME)
    assert (FAILED, "halfway") == (ended.outcome, ended.why)


def test_ctrl_c_is_how_it_ended_and_aws_may_go_on(ssm: Any) -> None:
    record = ReleaseRecord(ssm, NAME)
    with pytest.raises(KeyboardInterrupt), record.recording(Release(id="1", action="deploy"), print):
        raise KeyboardInterrupt

    [ended] = release_record.history(ssm, NAME)
    assert (release_record.INTERRUPTED, True) == (ended.outcome, ended.may_serve)


def test_a_rollout_that_somebody_stopped_is_no_release_and_leaves_the_last_one(ssm: Any) -> None:
    release(ssm, "1", GOOD)
    release(ssm, "2")

    ReleaseRecord(ssm, NAME).note(Release(id="3", action="rollback", ended="now", may_serve=False))

    assert "1" == last(ssm)


def test_the_last_release_is_known_after_a_hundred_that_failed(ssm: Any) -> None:
    release(ssm, "first", GOOD)
    for number in range(100):
        release(ssm, str(number), BAD)

    assert "first" == last(ssm)
    assert 50 == len(release_record.history(ssm, NAME))
    assert 100 == len(ssm.history[NAME])


def test_the_longest_release_fits_into_a_parameter(ssm: Any) -> None:
    long = {"by": "x" * 60, "run": "x" * 200, "version": "x" * 40, "image": "x" * 330}
    for name in ("c" * 40, "d" * 40):
        release(ssm, name, Ending(SUCCEEDED, may_serve=True, why="é" * 5000), **long)

    assert 4096 > len(ssm.values[NAME]["Value"])


def test_a_secret_in_the_cause_is_not_kept(ssm: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "a-very-long-secret-key")

    release(ssm, "1", Ending(FAILED, may_serve=False, why="denied: a-very-long-secret-key"))

    assert "a-very-long-secret-key" not in "".join(ssm.history[NAME])


def test_an_end_that_could_not_be_written_is_said_and_fails_nothing(
    ssm: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    said: list[str] = []
    with ReleaseRecord(ssm, NAME).recording(Release(id="1", action="deploy"), said.append) as recording:
        recording.ended(GOOD)
        refusal = client_error("PutParameter", "ThrottlingException", "Rate exceeded")

        def refuse(**_: Any) -> None:
            raise refusal

        monkeypatch.setattr(ssm, "put_parameter", refuse)

    assert "how this release ended was not recorded" in said[0]


def test_what_somebody_else_wrote_into_the_parameter_counts_for_nothing(ssm: Any) -> None:
    ssm.put_parameter(Name=NAME, Value="{}", Type="String", Overwrite=True)
    release(ssm, "1", GOOD)

    assert ["1"] == [each.commit for each in release_record.history(ssm, NAME)]


def test_an_image_has_the_commit_of_its_earlier_release(ssm: Any) -> None:
    release(ssm, "1", Ending(SUCCEEDED, may_serve=True, image="registry/orders@sha256:a"))
    release(ssm, "2", Ending(SUCCEEDED, may_serve=True, image="registry/orders@sha256:b"))
    record = ReleaseRecord(ssm, NAME)

    assert "1" == record.commit_of("elsewhere/orders@sha256:a")
    assert "" == record.commit_of("registry/orders@sha256:c")


def test_a_role_that_may_not_read_the_history_yet_rolls_back_all_the_same(
    ssm: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    release(ssm, "1", Ending(SUCCEEDED, may_serve=True, image="registry/orders@sha256:a"))

    def refuse(**_: Any) -> None:
        raise client_error("GetParameterHistory", "AccessDeniedException", "not authorized")

    monkeypatch.setattr(ssm, "get_parameter_history", refuse)

    assert "" == ReleaseRecord(ssm, NAME).commit_of("registry/orders@sha256:b")
