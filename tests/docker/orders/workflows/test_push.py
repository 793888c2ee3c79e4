"""A push to main: one image from nothing to production, and what stops it on the way."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
import requests

from tests.support.workflows.act import TOKEN, Forge
from tests.support.workflows.fork import ENVIRONMENTS, Account, commit
from tests.support.workflows.run import Run

APP = "app/orders/api.py"
RIGHT, WRONG = "quantity=order.quantity,", "quantity=order.quantity + 1,"


def release_of(environment: str) -> str:
    """The name that a run gives the job which releases to the environment."""
    return f"{environment}/"


def digests(account: Account) -> dict[str, str]:
    """What each environment's service runs."""
    return {name: account.output(name, "ImageInUse").rpartition("@")[2] for name in ENVIRONMENTS}


def released(run: Run) -> list[str]:
    """The environments whose release ended, in order."""
    return [job.partition("/")[0] for job in run.results if job.partition("/")[0] in ENVIRONMENTS]


@pytest.fixture
def main(fork: Forge) -> Iterator[Forge]:
    """The fork, and afterwards its main branch as it was."""
    before = fork.clone.run("git", "rev-parse", "HEAD").output.strip()
    yield fork
    fork.clone.run("git", "reset", "--quiet", "--hard", before)


def test_one_digest_reaches_dev_then_staging_then_prod(pushed: Run, account: Account) -> None:
    digest = pushed.outputs("Build once")["digest"]

    assert 0 == pushed.exit_code
    assert ["dev", "staging", "prod"] == released(pushed)
    assert dict.fromkeys(ENVIRONMENTS, digest) == digests(account)


def test_the_image_is_built_once(pushed: Run, account: Account) -> None:
    built = re.findall(r"image +built in", pushed.said)
    given = pushed.outputs("Build once")
    images = account.client("ecr").describe_images(
        repositoryName="orders", imageIds=[{"imageTag": given["version"]}]
    )["imageDetails"]

    assert 1 == len(built)
    assert [given["digest"]] == [image["imageDigest"] for image in images]


def test_the_digest_is_verified_before_each_release(pushed: Run) -> None:
    digest = pushed.outputs("Build once")["digest"]

    assert 3 == len(pushed.asked("gh"))
    for record in pushed.asked("gh"):
        assert record["words"][2].endswith(f"@{digest}")
        assert record["words"][3:5] == ["--repo", "example/orders"]
    for environment in ENVIRONMENTS:
        said = pushed.said_in(release_of(environment))
        assert said.index("built and signed by this repository") < said.index("rollout:")


def test_what_was_attested_is_what_was_built_and_what_is_in_it(pushed: Run) -> None:
    built = pushed.outputs("Build once")
    provenance, sbom = (record["inputs"] for record in pushed.asked("attest"))

    assert (built["name"], built["digest"]) == (provenance["subject-name"], provenance["subject-digest"])
    assert (built["name"], built["digest"]) == (sbom["subject-name"], sbom["subject-digest"])
    assert "sbom.cdx.json" == sbom["sbom-path"]


def test_each_job_takes_on_its_own_role_and_prod_only_behind_the_environment_prod(pushed: Run) -> None:
    taken = [
        (record["environment"], record["inputs"]["role-to-assume"].rpartition("/")[2])
        for record in pushed.asked("configure-aws-credentials")
    ]

    assert [
        ("", "orders-registry"),
        ("dev", "orders-dev-deploy"),
        ("staging", "orders-staging-deploy"),
        ("prod", "orders-prod-deploy"),
    ] == taken


def test_a_release_hands_on_its_url_and_its_version(pushed: Run, account: Account) -> None:
    for environment in ENVIRONMENTS:
        outputs = pushed.outputs(release_of(environment))
        answer = requests.get(f"{outputs['url']}/orders", timeout=5)

        assert account.output(environment, "ServiceUrl") == outputs["url"]
        assert pushed.outputs("Build once")["version"] == outputs["version"]
        assert outputs["version"] == answer.headers["X-Service-Version"]


def test_the_summary_tells_the_release(pushed: Run, account: Account) -> None:
    summary = pushed.summary(release_of("prod"))

    assert summary.startswith("## ✅ deploy prod\n")
    assert account.output("prod", "ServiceUrl") in summary
    for stack in ("vpc-network", "rds-database", "ecs-cluster", "ecs-stack"):
        assert re.search(rf"\| `{stack}` \| created \| [\d.]+ s \|", summary)
    assert "```mermaid\ngantt" in summary
    assert "\nxychart-beta\n" in summary
    for stage in ("PRE_SCALE_UP", "POST_TEST_TRAFFIC_SHIFT", "BAKE_TIME", "CLEAN_UP"):
        assert f"| `{stage}` |" in summary
    assert "an order survives a write and a read" in summary


def test_nobody_reads_a_secret_in_log_summary_or_output(pushed: Run, account: Account) -> None:
    secrets = account.secrets()

    assert {
        f"/orders/{environment}/{kind}"
        for environment in ENVIRONMENTS
        for kind in ("database/password", "test-traffic/secret")
    } == set(secrets)
    assert 2 * len(pushed.asked("configure-aws-credentials")) <= len(pushed.masks)
    for secret in (*secrets.values(), *pushed.masks, TOKEN):
        assert secret not in pushed.shown


def test_a_version_that_fails_its_tests_stops_at_dev(main: Forge, pushed: Run, account: Account) -> None:
    before = digests(account)
    main.clone.replace(APP, RIGHT, WRONG)
    commit(main.clone, "One piece too many")

    run = main.run("deploy", "push")
    summary = run.summary(release_of("dev"))

    assert 1 == run.exit_code
    assert ["dev"] == released(run)
    assert before == digests(account)
    assert summary.startswith("## ❌ deploy dev failed\n\n> [!CAUTION]\n")
    assert "an order survives a write and a read" in summary.partition("**Next:**")[0]
    assert [line for line in run.annotations if "error" == line["command"]]


@dataclass(frozen=True)
class Second:
    """A second version: the run whose runner was lost in the middle of it, and the same run again."""

    lost: Run
    again: Run


@pytest.fixture(scope="module")
def second(fork: Forge, pushed: Run) -> Iterator[Second]:
    """A second version, released everywhere; main is where it was before, as in a re-run of an old run."""
    before = fork.clone.run("git", "rev-parse", "HEAD").output.strip()
    with (fork.clone.path / APP).open("a") as source:
        source.write("# A second version.\n")
    commit(fork.clone, "A second version")
    lost = fork.cancel("deploy", "push", "rollout: SCALE_UP")
    again = fork.run("deploy", "push", state=lost.state)
    fork.clone.run("git", "branch", "--quiet", "newer")
    fork.clone.run("git", "reset", "--quiet", "--hard", before)
    yield Second(lost, again)
    fork.clone.run("git", "branch", "--quiet", "-D", "newer")


def test_a_run_that_lost_its_runner_is_finished_by_running_it_again(second: Second, account: Account) -> None:
    digest = second.again.outputs("Build once")["digest"]

    assert 0 == second.again.exit_code
    assert second.lost.outputs("Build once")["digest"] == digest
    assert not re.findall(r"image +built in", second.again.said)
    assert dict.fromkeys(ENVIRONMENTS, digest) == digests(account)


def test_a_rerun_of_an_older_run_touches_nothing_and_says_so(
    fork: Forge, second: Second, account: Account
) -> None:
    before = {name: account.changes(name) for name in ENVIRONMENTS}

    run = fork.run("deploy", "push")
    notices = [line for line in run.annotations if "notice" == line["command"]]

    assert 0 == run.exit_code
    assert ["dev", "staging", "prod"] == released(run)
    assert before == {name: account.changes(name) for name in ENVIRONMENTS}
    assert 3 == len([line for line in notices if "nothing was touched" in json.dumps(line)])
    assert run.summary(release_of("prod")).startswith("## ⏭️ deploy prod: nothing released\n")
    assert account.output("prod", "ServiceUrl") == run.outputs(release_of("prod"))["url"]
