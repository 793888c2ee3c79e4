"""The calls of GitHub's REST API that keep a comment and an issue up to date.

https://docs.github.com/en/rest/issues. In a workflow the token is the job's own, and `permissions:`
says what the token may do. A library such as PyGithub would bring eight packages for six calls.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NotRequired, TypedDict

import requests
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

from pipeline.errors import GitHubError, UsageError

_PAGE = 100
_TIMEOUT = 30
"""Seconds for one answer."""


class Post(TypedDict):
    """The fields that are read of a comment or an issue; a comment has neither number nor title."""

    id: int
    html_url: str
    body: str | None
    user: Mapping[str, object] | None
    number: NotRequired[int]
    title: NotRequired[str]
    pull_request: NotRequired[object]


class GitHub:
    """One repository. retry_seconds: the pause before a failed call is tried again, doubled each time.

    Every call raises GitHubError where GitHub refuses or does not answer.
    """

    def __init__(self, api_url: str, repository: str, token: str, *, retry_seconds: float = 1.0) -> None:
        self._base = f"{api_url.rstrip('/')}/repos/{repository}"
        self._http = requests.Session()
        self._http.headers.update(
            {
                "Accept": "application/vnd.github+json",
                "Authorization": f"Bearer {token}",
                "User-Agent": "slipway",
                "X-GitHub-Api-Version": "2022-11-28",
            }
        )
        # POST is not repeated on an error of the server: the comment may be there already.
        codes = 429, 500, 502, 503, 504
        retry = Retry(4, backoff_factor=retry_seconds, status_forcelist=codes, raise_on_status=False)
        for scheme in ("http://", "https://"):
            self._http.mount(scheme, HTTPAdapter(max_retries=retry))

    def comments(self, number: int) -> Iterator[Post]:
        """The comments of an issue or pull request, the oldest first."""
        return self._pages(f"/issues/{number}/comments", "pull-requests: write")

    def add_comment(self, number: int, body: str, permission: str = "pull-requests: write") -> Post:
        """Post a comment on an issue or pull request. permission: what the token needs for that."""
        return self._one("POST", f"/issues/{number}/comments", permission, {"body": body})

    def edit_comment(self, comment: int, body: str) -> Post:
        """Replace the text of a comment. comment: its id."""
        return self._one("PATCH", f"/issues/comments/{comment}", "pull-requests: write", {"body": body})

    def open_issues(self, label: str) -> Iterator[Post]:
        """The open issues with a label; pull requests are issues to GitHub, and are left out."""
        found = self._pages("/issues", "issues: write", state="open", labels=label)
        return (issue for issue in found if "pull_request" not in issue)

    def add_issue(self, title: str, body: str, label: str) -> Post:
        """Open an issue with one label."""
        issue = {"title": title, "body": body, "labels": [label]}
        return self._one("POST", "/issues", "issues: write", issue)

    def edit_issue(self, number: int, **changes: str) -> Post:
        """Change an issue. changes: title, body, state, state_reason."""
        return self._one("PATCH", f"/issues/{number}", "issues: write", changes)

    def _pages(self, path: str, permission: str, **query: str) -> Iterator[Post]:
        page = 1
        while True:
            more = {**query, "per_page": str(_PAGE), "page": str(page)}
            found = self._call("GET", path, permission, params=more)
            yield from found
            if len(found) < _PAGE:
                return
            page += 1

    def _one(self, method: str, path: str, permission: str, body: Mapping[str, object]) -> Post:
        answer: Post = self._call(method, path, permission, json=body)
        return answer

    def _call(
        self,
        method: str,
        path: str,
        permission: str,
        *,
        params: Mapping[str, str] | None = None,
        json: Mapping[str, object] | None = None,
    ) -> Any:
        """The JSON of the answer. Raises GitHubError, which names the permission that is missing."""
        try:
            answer = self._http.request(method, self._base + path, timeout=_TIMEOUT, params=params, json=json)
            if answer.ok:
                return answer.json()
        except requests.RequestException as error:
            raise GitHubError(
                "GitHub does not answer",
                why=str(error),
                next_step="run the job again; https://www.githubstatus.com tells whether GitHub is well",
            ) from error
        raise refusal(answer, f"{method} {path}", permission)


def refusal(answer: requests.Response, call: str, permission: str) -> GitHubError:
    """GitHub's refusal as a GitHubError. permission: what the job's token needs for the call."""
    try:
        said = answer.json()
        words = str(said.get("message", "")) if isinstance(said, dict) else str(said)
        faults = said.get("errors", []) if isinstance(said, dict) else []
    except requests.JSONDecodeError:
        words, faults = answer.text[:200], []
    next_step = "run the job again; https://www.githubstatus.com tells whether GitHub is well"
    if answer.headers.get("x-ratelimit-remaining") == "0" or "rate limit" in words.lower():
        next_step = "wait until the rate limit is over, and run the job again"
    elif answer.status_code == 401:
        next_step = "give the step its token: env: {GITHUB_TOKEN: ${{ github.token }}}"
    elif answer.status_code in (403, 404):
        next_step = f"give the job `permissions: {{{permission}}}`; a pull request of a fork never has it"
    elif answer.status_code == 410:
        next_step = "turn issues on, which a fork begins without: Settings, General, Features, Issues"
    elif answer.status_code == 422:
        next_step = "mend what GitHub names"
    return GitHubError(
        f"GitHub refused {call} ({answer.status_code})",
        why=words,
        next_step=next_step,
        details=[json.dumps(fault) for fault in faults],
    )


def connect(environment: Mapping[str, str]) -> GitHub:
    """The repository of this workflow run. Raises UsageError outside of a workflow."""
    repository, token = environment.get("GITHUB_REPOSITORY"), environment.get("GITHUB_TOKEN")
    if not repository:
        raise UsageError(
            "GITHUB_REPOSITORY is not set", next_step="this command is for a GitHub workflow, which sets it"
        )
    if not token:
        raise UsageError(
            "GITHUB_TOKEN is not set",
            next_step="give the step its token: env: {GITHUB_TOKEN: ${{ github.token }}}",
        )
    return GitHub(environment.get("GITHUB_API_URL", "https://api.github.com"), repository, token)


def pull_request(environment: Mapping[str, str]) -> int:
    """The number of the pull request that this workflow runs for. Raises UsageError where there is none."""
    file = Path(environment.get("GITHUB_EVENT_PATH") or "/nonexistent")
    try:
        event = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, json.JSONDecodeError):
        event = {}
    number = (event.get("pull_request") or {}).get("number")
    if not isinstance(number, int):
        raise UsageError(
            "this workflow runs for no pull request",
            why="the event of GITHUB_EVENT_PATH names none",
            next_step="comment only where github.event_name is pull_request",
        )
    return number
