"""A small GitHub: the issues and comments of any repository, kept in memory, over HTTP.

`python -m tests.support.fake_github PORT` serves until it is ended; GET /dump gives all it has, as JSON.
https://docs.github.com/en/rest/issues
"""

import itertools
import json
import re
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

LONGEST = 65_536


class FakeGitHub(ThreadingHTTPServer):
    """issues and comments: by number and id. refusals: answers (status, body) to give before anything else.

    author: who posts; the job's token is a bot.
    """

    daemon_threads = True

    def __init__(self, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        self.issues: dict[int, dict[str, Any]] = {}
        self.comments: dict[int, dict[str, Any]] = {}
        self.refusals: list[tuple[int, dict[str, Any]]] = []
        self.calls: list[str] = []
        self.author = {"login": "github-actions[bot]", "type": "Bot"}
        self._ids = itertools.count(1)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def __enter__(self) -> "FakeGitHub":
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self.server_close()

    def dump(self) -> dict[str, Any]:
        return {"issues": list(self.issues.values()), "comments": list(self.comments.values())}

    # -- the calls: each gives a status and what to answer ---------------------------------------------------

    def list_issues(self, query: dict[str, str]) -> tuple[int, Any]:
        spec = {label for label in query.get("labels", "").split(",") if label}
        state = query.get("state", "open")
        found = [
            issue
            for issue in self.issues.values()
            if spec <= {label["name"] for label in issue["labels"]} and state in (issue["state"], "all")
        ]
        return 200, _page(found[::-1], query)

    def create_issue(self, repository: str, given: dict[str, Any]) -> tuple[int, Any]:
        number = next(self._ids)
        issue = {
            "number": number,
            "title": given["title"],
            "body": given.get("body", ""),
            "state": "open",
            "labels": [{"name": name} for name in given.get("labels", [])],
            "user": self.author,
            "html_url": f"https://github.com/{repository}/issues/{number}",
        }
        self.issues[number] = issue
        return 201, issue

    def edit_issue(self, number: int, given: dict[str, Any]) -> tuple[int, Any]:
        if number not in self.issues:
            return 404, {"message": "Not Found"}
        self.issues[number].update(given)
        return 200, self.issues[number]

    def list_comments(self, number: int, query: dict[str, str]) -> tuple[int, Any]:
        return 200, _page([c for c in self.comments.values() if c["issue"] == number], query)

    def create_comment(self, repository: str, number: int, given: dict[str, Any]) -> tuple[int, Any]:
        made = next(self._ids)
        url = f"https://github.com/{repository}/issues/{number}#issuecomment-{made}"
        comment = {"id": made, "issue": number, "body": given["body"], "user": self.author, "html_url": url}
        self.comments[made] = comment
        return 201, comment

    def edit_comment(self, comment: int, given: dict[str, Any]) -> tuple[int, Any]:
        if comment not in self.comments:
            return 404, {"message": "Not Found"}
        self.comments[comment].update(given)
        return 200, self.comments[comment]

    def answer(self, method: str, path: str, query: dict[str, str], given: dict[str, Any]) -> tuple[int, Any]:
        if (method, path) == ("GET", "/dump"):
            return 200, self.dump()
        found = re.fullmatch(r"/repos/([^/]+/[^/]+)/issues(/comments)?(?:/(\d+))?(/comments)?", path)
        if found is None:
            return 404, {"message": "Not Found"}
        repository, of_comments, number, comments = (
            found[1],
            bool(found[2]),
            int(found[3] or 0),
            bool(found[4]),
        )
        if len(given.get("body") or "") > LONGEST:
            fault = {"code": "custom", "message": f"body is too long (maximum is {LONGEST} characters)"}
            return 422, {"message": "Validation Failed", "errors": [fault]}
        match method, of_comments, bool(number), comments:
            case "GET", False, False, False:
                return self.list_issues(query)
            case "POST", False, False, False:
                return self.create_issue(repository, given)
            case "PATCH", False, True, False:
                return self.edit_issue(number, given)
            case "GET", False, True, True:
                return self.list_comments(number, query)
            case "POST", False, True, True:
                return self.create_comment(repository, number, given)
            case "PATCH", True, True, False:
                return self.edit_comment(number, given)
        return 404, {"message": "Not Found"}


class Handler(BaseHTTPRequestHandler):
    """One request: JSON in, JSON out."""

    server: FakeGitHub

    def handle_any(self) -> None:
        target = urlsplit(self.path)
        query = {key: values[-1] for key, values in parse_qs(target.query).items()}
        length = int(self.headers.get("Content-Length") or 0)
        given = json.loads(self.rfile.read(length)) if length else {}
        self.server.calls.append(f"{self.command} {target.path}")
        if self.server.refusals:
            status, answer = self.server.refusals.pop(0)
        elif target.path != "/dump" and not self.headers.get("Authorization", "").startswith("Bearer "):
            status, answer = 401, {"message": "Bad credentials"}
        else:
            status, answer = self.server.answer(self.command, target.path, query, given)
        body = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = do_PATCH = handle_any  # noqa: N815 - http.server's names

    def log_message(self, *_: Any) -> None: ...


def _page(found: list[dict[str, Any]], query: dict[str, str]) -> list[dict[str, Any]]:
    size, page = int(query.get("per_page", "30")), int(query.get("page", "1"))
    return found[(page - 1) * size : page * size]


if __name__ == "__main__":
    FakeGitHub(int(sys.argv[1])).serve_forever()
