"""What act can't have: GitHub's token service, attestation store and artifact store, and its runner's tools.

`stand_in.py NAME` is run by actions/NAME/action.yml, and by bin/gh, inside the steps of a workflow. It takes
the real action's inputs ($INPUTS, JSON), gives the real one's outputs, refuses what the real one refuses, and
writes down what it was asked, one JSON document a line, for the tests to read.

$STAND_IN_STATE is the directory of one run; attestations outlive it, beside it. $STAND_IN_JOB says what act
does not of the job: its environment and its permissions (see act.py).
"""

import fnmatch
import hashlib
import json
import os
import shutil
import subprocess
import sys
from base64 import urlsafe_b64encode
from pathlib import Path
from typing import Any

Inputs = dict[str, str]
Outputs = dict[str, str]

STATE = Path(os.environ.get("STAND_IN_STATE", ""))
ATTESTATIONS = STATE.parent / "attestations"
ISSUER = "https://token.actions.githubusercontent.com"
SBOM_KEYS = (("spdxVersion", "SPDXID"), ("bomFormat", "serialNumber", "specVersion"))
OLD = 946684800  # 2000-01-01: older than any stamp of make's


class RefusedError(Exception):
    """What the real action says when it fails."""


def checkout(inputs: Inputs) -> Outputs:
    """A clone of the repository under test into the workspace, at `ref` or at the commit of the event."""
    workspace = Path(os.environ["GITHUB_WORKSPACE"]) / inputs["path"]
    source, wanted = os.environ["STAND_IN_REPOSITORY"], inputs["ref"] or os.environ["GITHUB_SHA"]
    _git("clone", "--quiet", "--no-checkout", source, str(workspace))
    fetched = _git("-C", str(workspace), "rev-parse", "--verify", "--quiet", f"origin/{wanted}", check=False)
    _git("-C", str(workspace), "checkout", "--quiet", "--detach", fetched or wanted)
    commit = _git("-C", str(workspace), "rev-parse", "HEAD")
    origin = f"https://github.com/{os.environ['GITHUB_REPOSITORY']}.git"
    _git("-C", str(workspace), "remote", "set-url", "origin", origin)
    return {"ref": wanted, "commit": commit}


def setup_python(inputs: Inputs) -> Outputs:
    """This Python, and its virtual environments linked into the workspace: no job installs them again."""
    workspace = Path(os.environ["GITHUB_WORKSPACE"])
    for stamp in Path(os.environ["STAND_IN_VENVS"]).glob(".venv*/*stamp"):
        link = workspace / stamp.parent.name
        if not link.is_symlink():
            link.symlink_to(stamp.parent)
    for file in (*workspace.glob("requirements/*"), workspace / "pyproject.toml"):
        os.utime(file, (OLD, OLD))  # a clone's files are newer than any stamp, and make would install again
    version = ".".join(str(part) for part in sys.version_info[:3])
    return {"python-version": version, "python-path": sys.executable, "cache-hit": "true"}


def configure_aws_credentials(inputs: Inputs) -> Outputs:
    """Assumes the role with a token such as GitHub signs for this job; the local STS reads it unsigned."""
    if not inputs["aws-region"]:
        raise RefusedError("Input required and not supplied: aws-region")
    if _permissions().get("id-token") != "write" or not inputs["role-to-assume"]:
        raise RefusedError("Credentials could not be loaded, please check your action inputs")
    import boto3
    from botocore import UNSIGNED
    from botocore.config import Config
    from botocore.exceptions import ClientError

    sts = boto3.client("sts", region_name=inputs["aws-region"], config=Config(signature_version=UNSIGNED))
    try:
        answer = sts.assume_role_with_web_identity(
            RoleArn=inputs["role-to-assume"],
            RoleSessionName=inputs["role-session-name"] or "GitHubActions",
            WebIdentityToken=_token(inputs["audience"]),
            DurationSeconds=int(inputs["role-duration-seconds"] or 3600),
        )
    except ClientError as error:
        raise RefusedError(
            f"Could not assume role with OIDC: {error.response['Error'].get('Message', error)}"
        ) from error
    account = answer["AssumedRoleUser"]["Arn"].split(":")[4]
    allowed = [each.strip() for each in inputs["allowed-account-ids"].split(",") if each.strip()]
    if allowed and account not in allowed:
        raise RefusedError(f"The account ID {account} is not among the allowed ones: {', '.join(allowed)}")
    credentials = answer["Credentials"]
    for secret in ("SecretAccessKey", "SessionToken"):
        print(f"::add-mask::{credentials[secret]}")
    _append(
        "GITHUB_ENV",
        {
            "AWS_REGION": inputs["aws-region"],
            "AWS_DEFAULT_REGION": inputs["aws-region"],
            "AWS_ACCESS_KEY_ID": credentials["AccessKeyId"],
            "AWS_SECRET_ACCESS_KEY": credentials["SecretAccessKey"],
            "AWS_SESSION_TOKEN": credentials["SessionToken"],
        },
    )
    return {"aws-account-id": account}


def _token(audience: str) -> str:
    """An unsigned JSON web token with the claims that AWS reads.
    https://docs.github.com/en/actions/reference/security/oidc
    """
    repository, environment = os.environ["GITHUB_REPOSITORY"], _job()["environment"]
    if environment:
        context = f"environment:{environment}"
    elif os.environ["GITHUB_EVENT_NAME"] == "pull_request":
        context = "pull_request"
    else:
        context = f"ref:{os.environ['GITHUB_REF']}"
    claims = {"iss": ISSUER, "aud": audience, "sub": f"repo:{repository}:{context}"}
    parts = ({"alg": "none", "typ": "JWT"}, claims)
    encoded = [urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in parts]
    return ".".join((*encoded, ""))


def attest(inputs: Inputs) -> Outputs:
    """Notes down that this run vouches for a digest: with its provenance, or with the SBOM given."""
    for permission in ("id-token", "attestations"):
        if _permissions().get(permission) != "write":
            raise RefusedError(f"Resource not accessible by integration: {permission}: write is missing")
    given = [name for name in ("subject-path", "subject-digest", "subject-checksums") if inputs[name]]
    if len(given) != 1:
        raise RefusedError("One of subject-path, subject-digest, or subject-checksums must be provided")
    if inputs["subject-digest"] and not inputs["subject-name"]:
        raise RefusedError("subject-name must be provided when using subject-digest")
    kind = "provenance"
    if inputs["sbom-path"]:
        sbom = json.loads(Path(inputs["sbom-path"]).read_text())
        if not any(all(sbom.get(key) for key in keys) for keys in SBOM_KEYS):
            raise RefusedError("Unsupported SBOM format. Must be valid SPDX or CycloneDX JSON.")
        kind = "sbom"
    bundle = ATTESTATIONS / f"{kind}-{inputs['subject-digest'].removeprefix('sha256:')}.json"
    bundle.parent.mkdir(exist_ok=True)
    bundle.write_text(json.dumps(_signer()))
    return {"bundle-path": str(bundle), "attestation-id": bundle.stem, "attestation-url": bundle.as_uri()}


def _signer() -> dict[str, str]:
    """What the signature's certificate says of the run, by the option of gh that asks for it."""
    repository, workflow = os.environ["GITHUB_REPOSITORY"], os.environ["STAND_IN_WORKFLOW"]
    return {
        "--repo": repository,
        "--signer-workflow": f"{repository}/{workflow}",
        "--source-ref": os.environ["GITHUB_REF"],
    }


def gh(words: list[str]) -> str:
    """`gh attestation verify oci://NAME@DIGEST --repo REPOSITORY`, and nothing else of gh."""
    if words[:2] != ["attestation", "verify"] or not words[2].startswith("oci://"):
        raise RefusedError(
            f"this stand-in is only for `gh attestation verify oci://...`, not: gh {' '.join(words)}"
        )
    if not os.environ.get("GH_TOKEN"):
        raise RefusedError(
            "To use GitHub CLI in a GitHub Actions workflow, set the GH_TOKEN environment variable."
        )
    repository = words[words.index("--repo") + 1]
    image, _, digest = words[2].removeprefix("oci://").rpartition("@")
    docker = Path(os.environ.get("DOCKER_CONFIG", "~/.docker")).expanduser() / "config.json"
    signed_in = json.loads(docker.read_text()).get("auths", {}) if docker.is_file() else {}
    if image.partition("/")[0] not in signed_in:
        raise RefusedError(f"Error: failed to digest artifact: GET https://{image}: 401 Unauthorized")
    bundle = ATTESTATIONS / f"provenance-{digest.removeprefix('sha256:')}.json"
    if not bundle.is_file():
        raise RefusedError(
            f"Error: no attestations found for {digest} in {repository}\nHTTP 404: Not Found "
            f"({os.environ['GITHUB_API_URL']}/repos/{repository}/attestations/{digest})"
        )
    for option, signed in json.loads(bundle.read_text()).items():
        wanted = words[words.index(option) + 1] if option in words else signed
        if wanted != signed:
            raise RefusedError(f"Error: verifying with issuer: {option} is {signed}, expected {wanted}")
    return "Loaded digest " + digest + "\n✓ Verification succeeded!"


def upload_artifact(inputs: Inputs) -> Outputs:
    """Copies what the patterns find, without hidden files unless asked for, to where other jobs see it."""
    stored = STATE / "artifacts" / inputs["name"]
    if stored.exists() and inputs["overwrite"] != "true":
        raise RefusedError(f"an artifact with this name already exists on the workflow run: {inputs['name']}")
    found = _found(inputs["path"].split("\n"), hidden=inputs["include-hidden-files"] == "true")
    if not found:
        said = f"No files were found with the provided path: {inputs['path']}. No artifacts will be uploaded."
        if inputs["if-no-files-found"] == "error":
            raise RefusedError(said)
        print(f"::warning::{said}")
        return {}
    above = Path(os.path.commonpath([file.parent for file in found]))
    for file in found:
        target = stored / file.relative_to(above)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, target)
    return {"artifact-id": hashlib.sha256(inputs["name"].encode()).hexdigest()[:8]}


def _found(patterns: list[str], *, hidden: bool) -> list[Path]:
    """As @actions/glob: a directory stands for all below it, and a hidden name hides all below it."""
    found: set[Path] = set()
    for pattern in filter(None, (line.strip() for line in patterns)):
        here = Path(pattern)
        magic = next((i for i, part in enumerate(here.parts) if any(c in part for c in "*?[")), None)
        if magic is None:
            root, rest = here, ()
            files = [here] if here.is_file() else list(here.rglob("*"))
        else:
            root, rest = Path(*here.parts[:magic]), here.parts[magic:]
            files = [below for match in root.glob(str(Path(*rest))) for below in (match, *match.rglob("*"))]
        for file in filter(Path.is_file, files):
            names = (root.name, *file.relative_to(root).parts)
            if hidden or not any(name.startswith(".") for name in names if name):
                found.add(file.absolute())
    return sorted(found)


def download_artifact(inputs: Inputs) -> Outputs:
    """Copies artifacts of this run: the one named, or those that match, each into its directory or merged."""
    store = STATE / "artifacts"
    names = sorted(path.name for path in store.iterdir()) if store.is_dir() else []
    target = Path(inputs["path"] or os.environ["GITHUB_WORKSPACE"])
    if inputs["name"]:
        if inputs["name"] not in names:
            raise RefusedError(
                f"Unable to download artifact(s): Artifact not found for name: {inputs['name']}"
            )
        wanted = [inputs["name"]]
    else:
        wanted = [name for name in names if fnmatch.fnmatch(name, inputs["pattern"] or "*")]
    for name in wanted:
        flat = inputs["name"] or inputs["merge-multiple"] == "true"
        shutil.copytree(store / name, target if flat else target / name, dirs_exist_ok=True)
    return {"download-path": str(target.absolute())}


def _job() -> dict[str, Any]:
    job: dict[str, Any] = json.loads(os.environ["STAND_IN_JOB"])
    return job


def _permissions() -> dict[str, str]:
    permissions: dict[str, str] = _job()["permissions"]
    return permissions


def _git(*words: str, check: bool = True) -> str:
    ran = subprocess.run(["git", *words], capture_output=True, text=True, check=False)
    if check and ran.returncode:
        raise RefusedError(f"The process 'git' failed with exit code {ran.returncode}: {ran.stderr.strip()}")
    return ran.stdout.strip()


def _append(file: str, values: dict[str, str]) -> None:
    with Path(os.environ[file]).open("a", encoding="utf-8") as appended:
        appended.writelines(f"{name}={value}\n" for name, value in values.items())


def _record(name: str, **more: Any) -> None:
    """One line in $STAND_IN_STATE/records.jsonl; a line this short is written whole, whoever else writes."""
    job = {"job": os.environ.get("GITHUB_JOB", ""), **_job()}
    with (STATE / "records.jsonl").open("a", encoding="utf-8") as records:
        records.write(json.dumps({"action": name, **job, **more}) + "\n")


ACTIONS = {
    "checkout": checkout,
    "setup-python": setup_python,
    "configure-aws-credentials": configure_aws_credentials,
    "attest": attest,
    "upload-artifact": upload_artifact,
    "download-artifact": download_artifact,
}


def main() -> int:
    name, *words = sys.argv[1:]
    inputs = json.loads(os.environ.get("INPUTS", "{}"))
    asked = {"words": words, "inputs": {key: value for key, value in inputs.items() if "token" not in key}}
    outputs: Outputs = {}
    try:
        if name == "gh":
            print(gh(words))
        else:
            outputs = ACTIONS[name](inputs)
            _append("GITHUB_OUTPUT", outputs)
    except RefusedError as refused:
        _record(name, **asked, refused=str(refused))
        if name == "gh":
            print(refused, file=sys.stderr)
        else:
            print(f"::error::{refused}")
        return 1
    _record(name, **asked, outputs=outputs)
    return 0


if __name__ == "__main__":
    sys.exit(main())
