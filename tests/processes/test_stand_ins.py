"""The stand-ins answer as the real actions do."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.clone import ROOT, clean_environment
from tests.support.workflows import stand_in
from tests.support.workflows.act import ACTIONS, HERE, read

DIGEST = "sha256:" + "a" * 64
CYCLONEDX = {"bomFormat": "CycloneDX", "serialNumber": "urn:uuid:0", "specVersion": "1.6"}

Act = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def act(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Act:
    """Runs a stand-in as its action.yml does, with its defaults, in a workspace of its own."""
    workspace, state = tmp_path / "workspace", tmp_path / "state"
    workspace.mkdir()
    state.mkdir()
    facts = {"environment": "", "permissions": {"id-token": "write", "attestations": "write"}}
    for name, value in {
        "STAND_IN_STATE": str(state),
        "STAND_IN_JOB": json.dumps(facts),
        "STAND_IN_WORKFLOW": ".github/workflows/deploy.yml",
        "GITHUB_WORKSPACE": str(workspace),
        "GITHUB_OUTPUT": str(tmp_path / "output"),
        "GITHUB_REPOSITORY": "example/orders",
        "GITHUB_EVENT_NAME": "push",
        "GITHUB_REF": "refs/heads/main",
        "GITHUB_API_URL": "http://localhost:1",
        "GH_TOKEN": "token",
    }.items():
        monkeypatch.setenv(name, value)

    def run(action: str, /, *words: str, **inputs: str) -> subprocess.CompletedProcess[str]:
        if action != "gh":
            known = read(ACTIONS / action / "action.yml")["inputs"]
            given = {key.replace("_", "-"): value for key, value in inputs.items()}
            assert set(given) <= set(known)
            defaults = {key: value.get("default", "") for key, value in known.items()}
            monkeypatch.setenv("INPUTS", json.dumps(defaults | given))
        return subprocess.run(
            [sys.executable, str(HERE / "stand_in.py"), action, *words],
            cwd=workspace,
            capture_output=True,
            text=True,
            check=False,
        )

    return run


@pytest.fixture
def signed_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "config.json").write_text('{"auths": {"registry": {}}}')
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))


def verify(act: Act, *more: str) -> subprocess.CompletedProcess[str]:
    image = f"oci://registry/orders@{DIGEST}"
    return act("gh", "attestation", "verify", image, "--repo", "example/orders", *more)


@pytest.mark.usefixtures("signed_in")
def test_a_digest_that_was_attested_is_verified_and_another_is_not(act: Act) -> None:
    before = verify(act)
    attested = act("attest", subject_name="registry/orders", subject_digest=DIGEST)
    after = verify(act)

    assert (1, 0, 0) == (before.returncode, attested.returncode, after.returncode)
    assert "no attestations found" in before.stderr


@pytest.mark.usefixtures("signed_in")
@pytest.mark.parametrize(
    ("option", "right", "wrong"),
    [
        (
            "--signer-workflow",
            "example/orders/.github/workflows/deploy.yml",
            "example/orders/.github/workflows/mine.yml",
        ),
        ("--source-ref", "refs/heads/main", "refs/heads/mine"),
    ],
)
def test_another_workflow_or_branch_cannot_vouch_for_an_image(
    act: Act, option: str, right: str, wrong: str
) -> None:
    act("attest", subject_name="registry/orders", subject_digest=DIGEST)

    assert (0, 1) == (verify(act, option, right).returncode, verify(act, option, wrong).returncode)


def test_an_image_is_not_verified_where_its_registry_wants_a_password(act: Act) -> None:
    act("attest", subject_name="registry/orders", subject_digest=DIGEST)

    assert "401 Unauthorized" in verify(act).stderr


@pytest.mark.usefixtures("signed_in")
def test_an_sbom_alone_does_not_say_where_an_image_comes_from(act: Act, tmp_path: Path) -> None:
    (tmp_path / "workspace/sbom.json").write_text(json.dumps(CYCLONEDX))

    attested = act("attest", subject_name="registry/orders", subject_digest=DIGEST, sbom_path="sbom.json")

    assert (0, 1) == (attested.returncode, verify(act).returncode)


@pytest.mark.parametrize(
    "lacks_a_key",
    [
        *({key: value for key, value in CYCLONEDX.items() if key != missing} for missing in CYCLONEDX),
        {"spdxVersion": "SPDX-2.3"},
        {"SPDXID": "SPDXRef-DOCUMENT"},
    ],
    ids=lambda sbom: "+".join(sbom),
)
def test_an_sbom_is_refused_that_lacks_what_the_real_action_tells_its_format_by(
    act: Act, tmp_path: Path, lacks_a_key: dict[str, str]
) -> None:
    (tmp_path / "workspace/sbom.json").write_text(json.dumps(lacks_a_key))

    attested = act("attest", subject_name="registry/orders", subject_digest=DIGEST, sbom_path="sbom.json")

    assert 1 == attested.returncode
    assert "::error::Unsupported SBOM format" in attested.stdout


def test_the_sbom_of_make_is_one_that_can_be_attested(act: Act, tmp_path: Path) -> None:
    workspace = tmp_path / "workspace"
    (workspace / ".venv").symlink_to(sys.prefix)
    # What is installed is installed: the stamp counts as new, however old it is.
    subprocess.run(
        [
            "make",
            "--file",
            ROOT / "Makefile",
            "--old-file",
            ".venv/dev.stamp",
            "sbom",
            f"APP={ROOT / 'app'}",
        ],
        cwd=workspace,
        env=clean_environment(),
        check=True,
    )

    sbom_path = "build/sbom.cdx.json"
    attested = act("attest", subject_name="registry/orders", subject_digest=DIGEST, sbom_path=sbom_path)

    assert 0 == attested.returncode
    assert CYCLONEDX.keys() <= json.loads((workspace / sbom_path).read_text()).keys()


def test_a_job_without_the_permission_gets_neither_attestation_nor_credentials(
    act: Act, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STAND_IN_JOB", json.dumps({"environment": "", "permissions": {"contents": "read"}}))

    attested = act("attest", subject_name="registry/orders", subject_digest=DIGEST)
    signed_in = act("configure-aws-credentials", aws_region="eu-west-1", role_to_assume="role/x")

    assert (1, 1) == (attested.returncode, signed_in.returncode)
    assert "::error::Credentials could not be loaded" in signed_in.stdout


def test_the_token_names_the_environment_or_the_pull_request_or_the_branch(
    act: Act, monkeypatch: pytest.MonkeyPatch
) -> None:
    def subject() -> str:
        from base64 import urlsafe_b64decode

        claims = json.loads(urlsafe_b64decode(stand_in._token("sts.amazonaws.com").split(".")[1] + "=="))
        return str(claims["sub"])

    branch = subject()
    monkeypatch.setenv("GITHUB_EVENT_NAME", "pull_request")
    pull_request = subject()
    monkeypatch.setenv("STAND_IN_JOB", json.dumps({"environment": "prod", "permissions": {}}))
    environment = subject()

    assert "repo:example/orders:ref:refs/heads/main" == branch
    assert "repo:example/orders:pull_request" == pull_request
    assert "repo:example/orders:environment:prod" == environment


@pytest.mark.parametrize(
    ("pattern", "hidden", "found"),
    [
        ("kept/*.md", "false", {"a.md"}),
        ("kept", "false", {"a.md", "deep/b.txt"}),
        (".hidden/*.md", "false", None),
        (".hidden/*.md", "true", {"c.md"}),
        ("kept/a.md\n.hidden/c.md", "false", {"kept/a.md", ".hidden/c.md"}),
        ("missing/*", "false", None),
    ],
)
def test_files_travel_from_job_to_job_as_with_the_real_artifact_actions(
    act: Act, tmp_path: Path, pattern: str, hidden: str, found: set[str] | None
) -> None:
    for name in ("kept/a.md", "kept/deep/b.txt", ".hidden/c.md"):
        (tmp_path / "workspace" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "workspace" / name).write_text(name)

    uploaded = act("upload-artifact", name="it", path=pattern, include_hidden_files=hidden)
    downloaded = act("download-artifact", name="it", path="there")
    there = tmp_path / "workspace/there"
    seen = {str(file.relative_to(there)) for file in there.rglob("*") if file.is_file()}

    assert 0 == uploaded.returncode
    assert (0 if found else 1) == downloaded.returncode
    assert (found or set()) == seen


def test_an_artifact_is_not_overwritten_unless_that_is_said(act: Act, tmp_path: Path) -> None:
    (tmp_path / "workspace/a").write_text("a")

    codes = [
        act("upload-artifact", name="it", path="a").returncode,
        act("upload-artifact", name="it", path="a").returncode,
        act("upload-artifact", name="it", path="a", overwrite="true").returncode,
    ]

    assert [0, 1, 0] == codes


def test_artifacts_that_match_are_merged_into_one_directory(act: Act, tmp_path: Path) -> None:
    for name in ("plan-dev", "plan-prod", "other"):
        (tmp_path / f"workspace/{name}.md").write_text(name)
        act("upload-artifact", name=name, path=f"{name}.md")

    act("download-artifact", pattern="plan-*", path="plans", merge_multiple="true")

    assert {"plan-dev.md", "plan-prod.md"} == {f.name for f in (tmp_path / "workspace/plans").iterdir()}
