"""Environment files: typed, validated all at once, and refused in words that help."""

from pathlib import Path

import pytest

from pipeline.config import environment
from pipeline.errors import EnvironmentFileError, UsageError

GOOD = """
target: aws
account: "123456789012"
region: eu-west-1
parameters:
  TaskCount: 2
  AllowedHttpMethods: [GET, HEAD, POST]
  DatabaseMultiAz: true
"""
KEYS = ("target", "account", "region", "protected", "stack_timeout_minutes", "rollout", "parameters")


def write(directory: Path, content: str, name: str = "dev") -> Path:
    (directory / f"{name}.yaml").write_text(content)
    return directory


def test_a_good_file_becomes_a_typed_value(tmp_path: Path) -> None:
    dev = environment.load("dev", write(tmp_path, GOOD))

    assert ("dev", "aws", "123456789012", "eu-west-1") == (dev.name, dev.target, dev.account, dev.region)
    assert not dev.protected


def test_parameters_become_the_text_that_cloudformation_takes(tmp_path: Path) -> None:
    dev = environment.load("dev", write(tmp_path, GOOD))

    assert {
        "TaskCount": "2",
        "AllowedHttpMethods": "GET,HEAD,POST",
        "DatabaseMultiAz": "true",
    } == dev.parameters


def test_an_unknown_environment_is_refused_with_the_known_ones_and_a_guess(tmp_path: Path) -> None:
    write(tmp_path, GOOD, "staging")
    write(tmp_path, GOOD, "prod")

    with pytest.raises(UsageError) as refused:
        environment.load("stagign", tmp_path)

    assert 'known are prod, staging; did you mean "staging"?' == refused.value.why


def test_all_faults_are_told_at_once_with_file_and_key(tmp_path: Path) -> None:
    faulty = 'target: azure\naccount: 123456789012\nregin: eu-west-1\nprotected: "yes"\n'

    with pytest.raises(EnvironmentFileError) as refused:
        environment.load("dev", write(tmp_path, faulty))

    assert "infra/environments/dev.yaml has 5 faults" == refused.value.what
    assert (
        "target: is 'azure'; allowed are 'aws' or 'local'",
        "account: is 123456789012; must be text in quotes",
        "region: is missing",
        "protected: is 'yes'; must be true or false",
        f'regin: unknown key; allowed are {", ".join(KEYS)}; did you mean "region"?',
    ) == refused.value.details


def test_a_typo_below_rollout_is_refused_with_what_is_allowed_there(tmp_path: Path) -> None:
    rollout = "rollout: {helthy_within_minutes: 3}\n"

    with pytest.raises(EnvironmentFileError) as refused:
        environment.load("dev", write(tmp_path, GOOD.replace("parameters:", f"{rollout}parameters:")))

    [fault] = refused.value.details
    assert fault.startswith(
        "rollout.helthy_within_minutes: unknown key; allowed are healthy_within_minutes, "
    )
    assert fault.endswith('did you mean "healthy_within_minutes"?')


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ('account: "1234"', "account: is '1234'; it must be an AWS account id"),
        ("region: Ireland", "region: is 'Ireland'; it must be an AWS region such as eu-west-1"),
        ("parameters: {TaskCount: {a: 1}}", "parameters: TaskCount: a value must be text"),
        ("parameters: [TaskCount]", "parameters: must be a mapping"),
        ("rollout: 3", "rollout: is 3; must be a mapping"),
        ("stack_timeout_minutes: 0", "stack_timeout_minutes: is 0"),
        ("name: dev", "name: the file's own name"),
    ],
)
def test_a_value_that_cannot_be_right_is_refused(tmp_path: Path, line: str, fault: str) -> None:
    key = line.partition(":")[0]
    kept = [text for text in GOOD.split("parameters:")[0].splitlines() if not text.startswith(key)]

    with pytest.raises(EnvironmentFileError) as refused:
        environment.load("dev", write(tmp_path, "\n".join([*kept, line])))

    assert refused.value.details[0].startswith(fault)


def test_a_key_given_twice_is_refused_with_its_line(tmp_path: Path) -> None:
    with pytest.raises(EnvironmentFileError) as refused:
        environment.load("dev", write(tmp_path, GOOD + "  TaskCount: 3\n"))

    assert "infra/environments/dev.yaml:9 has one fault" == refused.value.what
    assert ("the key 'TaskCount' is given twice",) == refused.value.details


def test_a_file_that_is_not_yaml_is_refused_with_its_line(tmp_path: Path) -> None:
    with pytest.raises(EnvironmentFileError) as refused:
        environment.load("dev", write(tmp_path, "target: aws\nparameters: {a: 1\n"))

    assert refused.value.what.startswith("infra/environments/dev.yaml:")


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(EnvironmentFileError):
        environment.load("dev", write(tmp_path, ""))


@pytest.mark.parametrize("name", ["Dev_1", "1st", "dev-", "a--b", "x" * 21])
def test_a_name_that_aws_would_not_take_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(EnvironmentFileError) as refused:
        environment.load(name, write(tmp_path, GOOD, name))

    assert (
        "the name must be 1 to 20 of a-z and 0-9 with single hyphens between them, and start with a letter"
        == refused.value.details[0]
    )
