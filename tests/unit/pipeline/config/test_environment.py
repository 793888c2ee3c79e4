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


@pytest.mark.parametrize(
    "written",
    ["0123", "no", "on", "Yes", "True", "1.10", "12:30", "1_000", "0x1F", "1e3", ".5", "+5", "2026-01-01"],
)
def test_a_value_arrives_as_it_is_written(tmp_path: Path, written: str) -> None:
    in_a_list = f"{GOOD}  Version: {written}\n  Versions: [{written}, {written}]\n"

    given = environment.load("dev", write(tmp_path, in_a_list)).parameters

    assert (written, f"{written},{written}") == (given["Version"], given["Versions"])


def test_text_in_quotes_arrives_without_them(tmp_path: Path) -> None:
    dev = environment.load("dev", write(tmp_path, GOOD + """  A: "0123"\n  B: '~'\n  C: ""\n  on: 'x'\n"""))

    assert ["0123", "~", "", "x"] == [dev.parameters[key] for key in ("A", "B", "C", "on")]


@pytest.mark.parametrize("written", ["~", "null", "", "[a, ~]"])
def test_a_value_that_is_none_is_refused_with_its_key_and_the_quoted_forms(
    tmp_path: Path, written: str
) -> None:
    with pytest.raises(EnvironmentFileError) as refused:
        environment.load("dev", write(tmp_path, f"{GOOD}  Version: {written}\n"))

    [fault] = refused.value.details
    assert fault.startswith("parameters: Version: has no value")
    assert fault.endswith('or write the text in quotes: "", "~", "null"')


def test_an_item_with_a_comma_is_refused_because_two_items_would_arrive(tmp_path: Path) -> None:
    with pytest.raises(EnvironmentFileError) as refused:
        environment.load("dev", write(tmp_path, GOOD + '  Versions: ["a,b", c]\n'))

    assert "Versions: CloudFormation would split the item 'a,b' at its comma" in refused.value.details[0]


def test_an_account_without_quotes_arrives_as_it_is_written(tmp_path: Path) -> None:
    dev = environment.load("dev", write(tmp_path, GOOD.replace('"123456789012"', "012345670123")))

    assert "012345670123" == dev.account


def test_a_number_that_yaml_reads_as_another_is_refused_with_its_line_and_both_forms(tmp_path: Path) -> None:
    with pytest.raises(EnvironmentFileError) as refused:
        environment.load("dev", write(tmp_path, f"stack_timeout_minutes: 0120{GOOD}"))

    assert "infra/environments/dev.yaml:1 has one fault" == refused.value.what
    assert ('YAML reads 0120 as 80: write 80, or "0120" in quotes',) == refused.value.details


def test_an_unknown_environment_is_refused_with_the_known_ones_and_a_guess(tmp_path: Path) -> None:
    write(tmp_path, GOOD, "staging")
    write(tmp_path, GOOD, "prod")

    with pytest.raises(UsageError) as refused:
        environment.load("stagign", tmp_path)

    assert 'known are prod, staging; did you mean "staging"?' == refused.value.why


def test_all_faults_are_told_at_once_with_file_and_key(tmp_path: Path) -> None:
    faulty = 'target: azure\naccount: 123\nregin: eu-west-1\nprotected: "yes"\n'

    with pytest.raises(EnvironmentFileError) as refused:
        environment.load("dev", write(tmp_path, faulty))

    assert "infra/environments/dev.yaml has 5 faults" == refused.value.what
    assert (
        "target: is 'azure'; allowed are 'aws' or 'local'",
        "account: is '123'; it must be an AWS account id: 12 digits in quotes, \"123456789012\"",
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
