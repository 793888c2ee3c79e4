"""A comment and an issue are kept up to date in place, and refusals name what is missing."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.errors import GitHubError, UsageError
from pipeline.github import api, posts
from pipeline.github.api import GitHub
from tests.support.fake_github import LONGEST, FakeGitHub

TOKEN = "ghs_0123456789abcdef"
MARKED = "<!-- slipway:plan -->\n"


@pytest.fixture
def there() -> Iterator[FakeGitHub]:
    with FakeGitHub() as running:
        yield running


@pytest.fixture
def hub(there: FakeGitHub) -> GitHub:
    return GitHub(there.url, "o/r", TOKEN, retry_seconds=0)


def test_the_first_comment_is_posted_and_the_next_one_edits_it(there: FakeGitHub, hub: GitHub) -> None:
    first = posts.keep_comment(hub, 7, "plan", MARKED + "one")
    second = posts.keep_comment(hub, 7, "plan", MARKED + "two")

    assert first == second == "https://github.com/o/r/issues/7#issuecomment-1"
    assert [MARKED + "two"] == [comment["body"] for comment in there.comments.values()]


def test_a_comment_that_says_the_same_is_left_alone(there: FakeGitHub, hub: GitHub) -> None:
    posts.keep_comment(hub, 7, "plan", MARKED + "one")
    posts.keep_comment(hub, 7, "plan", MARKED + "one")

    assert not [call for call in there.calls if call.startswith("PATCH")]


def test_our_comment_is_found_behind_a_hundred_others(there: FakeGitHub, hub: GitHub) -> None:
    for number in range(130):
        hub.add_comment(7, f"talk {number}")
    hub.add_comment(7, MARKED + "one")

    posts.keep_comment(hub, 7, "plan", MARKED + "two")

    assert 131 == len(there.comments)
    assert MARKED + "two" == there.comments[131]["body"]


def test_a_marker_in_somebody_elses_comment_or_another_pull_request_is_not_ours(
    there: FakeGitHub, hub: GitHub
) -> None:
    there.author = {"login": "mallory", "type": "User"}
    hub.add_comment(7, MARKED + "trust me")
    there.author = {"login": "github-actions[bot]", "type": "Bot"}
    hub.add_comment(8, MARKED + "of another one")
    hub.add_comment(7, "a bot quotes " + MARKED)

    posts.keep_comment(hub, 7, "plan", MARKED + "one")

    assert 4 == len(there.comments)
    assert MARKED + "trust me" == there.comments[1]["body"]


def test_an_issue_is_opened_updated_closed_and_opened_anew(there: FakeGitHub, hub: GitHub) -> None:
    body = "<!-- slipway:drift -->\nit drifted"
    first = posts.keep_issue(hub, "drift", "Drift", body)
    again = posts.keep_issue(hub, "drift", "Drift", body + " more")
    closed = posts.close_issues(hub, "drift", "gone")
    anew = posts.keep_issue(hub, "drift", "Drift", body)

    assert first == again == closed[0]
    assert anew != first
    assert ["closed", "open"] == [issue["state"] for issue in there.issues.values()]
    assert body + " more" == there.issues[1]["body"]
    assert [{"name": "drift"}] == there.issues[1]["labels"]
    assert ["gone"] == [comment["body"] for comment in there.comments.values()]


def test_other_issues_and_pull_requests_with_the_label_stay_open(there: FakeGitHub, hub: GitHub) -> None:
    hub.add_issue("by hand", "I saw drift", "drift")
    hub.add_issue("a pull request", "<!-- slipway:drift -->", "drift")
    there.issues[2]["pull_request"] = {}
    hub.add_issue("another", "<!-- slipway:drift-prod -->", "drift")

    assert [] == posts.close_issues(hub, "drift", "gone")


def test_files_are_joined_under_the_marker_without_secrets(tmp_path: Path) -> None:
    for name, words in (("a.md", "one\n\n"), ("b.md", f"two {TOKEN}\n"), ("c.md", "")):
        (tmp_path / name).write_text(words)

    body = posts.body_of("plan", sorted(tmp_path.iterdir()), {"GITHUB_TOKEN": TOKEN})

    assert MARKED + "one\n\ntwo ***\n" == body


def test_a_long_text_is_cut_to_what_github_takes(tmp_path: Path, hub: GitHub, there: FakeGitHub) -> None:
    (tmp_path / "a.md").write_text("| a line |\n" * 20_000)

    body = posts.body_of("plan", [tmp_path / "a.md"], {})
    posts.keep_comment(hub, 7, "plan", body)

    assert len(body) <= LONGEST
    assert "see the job's summary" in there.comments[1]["body"]


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"none\.md can't be read"):
        posts.body_of("plan", [tmp_path / "none.md"], {})


@pytest.mark.parametrize(
    ("status", "said", "step"),
    [
        (401, "Bad credentials", "GITHUB_TOKEN: ${{ github.token }}"),
        (403, "Resource not accessible by integration", "`permissions: {pull-requests: write}`"),
        (404, "Not Found", "`permissions: {pull-requests: write}`"),
        (403, "API rate limit exceeded for installation", "wait until the rate limit is over"),
        (422, "Validation Failed", "mend what GitHub names"),
        (501, "no", "githubstatus.com"),
    ],
)
def test_a_refusal_names_what_to_do(
    there: FakeGitHub, hub: GitHub, status: int, said: str, step: str
) -> None:
    there.refusals = [(status, {"message": said, "errors": [{"code": "custom"}]})]

    with pytest.raises(GitHubError) as refused:
        posts.keep_comment(hub, 7, "plan", "x")

    assert f"GitHub refused GET /issues/7/comments ({status})" == refused.value.what
    assert said == refused.value.why
    assert step in refused.value.next_step
    assert ('{"code": "custom"}',) == refused.value.details


def test_an_issue_that_may_not_be_written_names_its_own_permission(there: FakeGitHub, hub: GitHub) -> None:
    there.refusals = [(403, {"message": "Resource not accessible by integration"})]

    with pytest.raises(GitHubError) as refused:
        posts.keep_issue(hub, "drift", "Drift", "x")

    assert "issues: write" in refused.value.next_step


def test_where_issues_are_turned_off_it_says_how_to_turn_them_on(there: FakeGitHub, hub: GitHub) -> None:
    there.refusals = [(200, []), (410, {"message": "Issues has been disabled in this repository."})]

    with pytest.raises(GitHubError) as refused:
        posts.keep_issue(hub, "drift", "Drift", "x")

    assert "GitHub refused POST /issues (410)" == refused.value.what
    assert "Settings, General, Features, Issues" in refused.value.next_step


def test_a_server_that_stumbles_is_asked_again(there: FakeGitHub, hub: GitHub) -> None:
    there.refusals = [(502, {}), (503, {})]

    posts.keep_comment(hub, 7, "plan", MARKED)

    assert 1 == len(there.comments)


def test_a_server_that_goes_on_stumbling_is_told_in_its_words(there: FakeGitHub, hub: GitHub) -> None:
    there.refusals = [(503, {"message": "Unicorn!"})] * 9

    with pytest.raises(GitHubError, match="Unicorn!"):
        posts.keep_comment(hub, 7, "plan", MARKED)


def test_no_server_at_all_is_told(there: FakeGitHub) -> None:
    url = there.url
    there.shutdown()
    there.server_close()

    with pytest.raises(GitHubError) as refused:
        list(GitHub(url, "o/r", TOKEN, retry_seconds=0).comments(7))

    assert "GitHub does not answer" == refused.value.what
    assert TOKEN not in str(refused.value)


@pytest.mark.parametrize(
    ("environment", "missing"),
    [({"GITHUB_TOKEN": "x"}, "GITHUB_REPOSITORY"), ({"GITHUB_REPOSITORY": "o/r"}, "GITHUB_TOKEN")],
)
def test_outside_of_a_workflow_it_says_what_is_missing(environment: dict[str, str], missing: str) -> None:
    with pytest.raises(UsageError, match=f"{missing} is not set"):
        api.connect(environment)


def test_the_pull_request_is_the_events(tmp_path: Path) -> None:
    event = tmp_path / "event.json"
    event.write_text(json.dumps({"pull_request": {"number": 12}}))

    assert 12 == api.pull_request({"GITHUB_EVENT_PATH": str(event)})


@pytest.mark.parametrize("event", ["{}", "not json", '{"pull_request": {"number": "x"}}'])
def test_another_event_has_no_pull_request(tmp_path: Path, event: str) -> None:
    (tmp_path / "event.json").write_text(event)

    with pytest.raises(UsageError, match="no pull request"):
        api.pull_request({"GITHUB_EVENT_PATH": str(tmp_path / "event.json")})
