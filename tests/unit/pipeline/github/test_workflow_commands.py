"""What a runner would take for a command comes from nobody but us."""

import io

import pytest

from pipeline import masking
from pipeline.github.workflow_commands import Output, harmless
from pipeline.masking import masked


@pytest.mark.parametrize(
    "line",
    [
        "::add-mask::a",
        "  ::set-output name=digest::x",
        "\t::endgroup::",
        "fine\n::error::x",
        "fine\r::error::x",
        "text ##[set-output name=a]b",
        "::::error::",
    ],
)
def test_no_line_is_a_command(line: str) -> None:
    printed = harmless(line)

    assert not [part for part in printed.splitlines() if part.lstrip().startswith("::")]
    assert "##[" not in printed


@pytest.mark.parametrize("line", ["arn:aws:ecs::x", "a::b", "10:00:00", "## heading", "[x]"])
def test_what_is_no_command_stays_as_it_is(line: str) -> None:
    assert line == harmless(line)


def test_our_own_commands_are_escaped_as_the_runner_wants_it() -> None:
    stream = io.StringIO()
    Output(stream).command("error", "100%\nagain", file="a,b:c.yaml", line="")

    assert "::error file=a%2Cb%3Ac.yaml::100%25%0Aagain\n" == stream.getvalue()


def test_tokens_and_keys_of_the_environment_are_masked() -> None:
    environment = {
        "GITHUB_TOKEN": "ghs_0123456789",
        "AWS_SECRET_ACCESS_KEY": "test",
        "HOME": "/root/abcdefgh",
    }

    assert "a *** test /root/abcdefgh" == masked("a ghs_0123456789 test /root/abcdefgh", environment)


@pytest.fixture
def remembers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(masking, "_remembered", set())


def test_a_secret_that_this_process_made_or_read_is_in_no_line(remembers: None) -> None:
    stream = io.StringIO()
    secret = masking.remember("unguessable-header")
    Output(stream).write(f"GET / with {secret}\n")
    Output(stream).command("error", f"no {secret}")

    assert "GET / with ***\n::error::no ***\n" == stream.getvalue()


def test_the_longer_of_two_secrets_goes_first(remembers: None) -> None:
    masking.remember("password")
    masking.remember("password-and-more")

    assert "*** and ***" == masked("password-and-more and password", {})


def test_what_is_too_short_to_be_a_secret_is_not_remembered(remembers: None) -> None:
    assert "test" == masking.remember("test")
    assert "a test" == masked("a test", {})
