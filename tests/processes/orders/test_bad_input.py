"""What a user gets wrong: one clear message, the next step, its own exit code, and nothing touched."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from tests.support.clone import Clone, assert_one_clear_message, clone_to

NO_CREDENTIALS = {
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_SHARED_CREDENTIALS_FILE": "/nonexistent",
    "AWS_CONFIG_FILE": "/nonexistent",
}
SOMEBODY = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}


@pytest.fixture
def fork(tmp_path: Path) -> Clone:
    return clone_to(tmp_path)


def test_an_unknown_environment_is_refused_with_those_there_are(fork: Clone) -> None:
    ran = fork.pipeline("deploy", "prud")

    assert_one_clear_message(ran, 2, "prud", "prod", "staging")


def test_a_typo_in_an_environment_file_names_file_key_and_what_was_meant(fork: Clone) -> None:
    fork.replace("infra/environments/dev.yaml", "TaskCount", "TaskCuont")
    fork.replace("infra/environments/dev.yaml", "target: aws", "target: aw")

    ran = fork.pipeline("deploy", "dev")

    assert_one_clear_message(ran, 3, "infra/environments/dev.yaml", "target", "aws")


def test_a_value_cloudformation_would_refuse_is_refused_before_any_call(fork: Clone) -> None:
    fork.replace(
        "infra/environments/dev.yaml", "parameters:", "parameters:\n  AllowedHttpMethods: GET,HEAD,POST,PUT"
    )

    ran = fork.pipeline("deploy", "dev", **NO_CREDENTIALS)

    assert_one_clear_message(ran, 3, "AllowedHttpMethods", "three values")


def test_a_parameter_that_nothing_fills_is_named_with_its_template(fork: Clone) -> None:
    (fork.path / "infra/cache.yaml").write_text(
        "Parameters: {Nobody: {Type: String}}\nResources: {Topic: {Type: 'AWS::SNS::Topic'}}\n"
    )

    ran = fork.pipeline("plan", "dev", **NO_CREDENTIALS)

    assert_one_clear_message(ran, 4, "infra/cache.yaml", "Nobody")


def test_a_template_that_does_not_parse_is_named_with_its_line(fork: Clone) -> None:
    (fork.path / "infra/cache.yaml").write_text("Resources:\n  Topic: {Type: 'AWS::SNS::Topic'\n")

    ran = fork.pipeline("plan", "dev", **NO_CREDENTIALS)

    assert_one_clear_message(ran, 4, "infra/cache.yaml:")


def test_no_credentials_says_how_to_sign_in(fork: Clone) -> None:
    ran = fork.pipeline("deploy", "dev", **NO_CREDENTIALS)

    assert_one_clear_message(ran, 5, "credentials", "aws sso login")


class Expired(BaseHTTPRequestHandler):
    """An AWS endpoint that answers everything as AWS answers an expired token."""

    def do_POST(self) -> None:
        body = (
            b"<ErrorResponse><Error><Type>Sender</Type><Code>ExpiredToken</Code>"
            b"<Message>The security token included in the request is expired</Message></Error>"
            b"</ErrorResponse>"
        )
        self.send_response(403)
        self.send_header("Content-Type", "text/xml")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None: ...


@pytest.fixture
def expired() -> Iterator[str]:
    with HTTPServer(("127.0.0.1", 0), Expired) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_expired_credentials_are_told_from_missing_ones(fork: Clone, expired: str) -> None:
    ran = fork.pipeline("deploy", "dev", AWS_ENDPOINT_URL=expired, **SOMEBODY)

    assert_one_clear_message(ran, 5, "expired", "sign in again")


def test_an_endpoint_that_does_not_answer_is_told_as_such(fork: Clone) -> None:
    ran = fork.pipeline(
        "status", "dev", AWS_ENDPOINT_URL="http://127.0.0.1:9", AWS_MAX_ATTEMPTS="1", **SOMEBODY
    )

    assert_one_clear_message(ran, 7, "does not answer")


def test_another_region_than_the_files_is_refused(fork: Clone) -> None:
    ran = fork.pipeline("deploy", "dev", AWS_REGION="us-east-1", **NO_CREDENTIALS)

    assert_one_clear_message(ran, 2, "us-east-1", "eu-west-1")


def test_without_docker_up_says_what_to_install_or_start(fork: Clone) -> None:
    ran = fork.pipeline("local", "up", DOCKER_HOST="unix:///nonexistent.sock")

    assert_one_clear_message(ran, 8, "Docker")


def test_deploying_locally_with_nothing_up_says_make_up(fork: Clone) -> None:
    ran = fork.pipeline("deploy", "local")

    assert_one_clear_message(ran, 17, "make up")


def test_destroy_wants_the_name_typed(fork: Clone) -> None:
    ran = fork.pipeline("destroy", "dev", **NO_CREDENTIALS)

    assert_one_clear_message(ran, 15, "--confirm dev")


def test_a_protected_environment_is_not_destroyed_even_when_confirmed(fork: Clone) -> None:
    ran = fork.pipeline("destroy", "prod", "--confirm", "prod", **NO_CREDENTIALS)

    assert_one_clear_message(ran, 15, "protected")


def test_make_says_which_environment_it_wants(fork: Clone) -> None:
    ran = fork.make("deploy")

    assert 0 != ran.exit_code
    assert "ENV=" in ran.output
