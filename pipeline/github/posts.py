"""A comment and an issue that are found again by a hidden marker and kept up to date in place."""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

from pipeline import masking
from pipeline.errors import UsageError
from pipeline.github import markdown
from pipeline.github.api import GitHub, Post

LIMIT = 65_000
"""Characters of a body; GitHub takes 65,536."""
_NOTE = "_The rest is cut off, for GitHub takes no longer text here: see the job's summary._"


def body_of(marker: str, files: Iterable[Path], environment: Mapping[str, str] = os.environ) -> str:
    """The files one after the other under the marker, without secrets, and no longer than GitHub takes.

    Raises UsageError for a file that is not there.
    """
    texts = []
    for file in files:
        try:
            texts.append(file.read_text(encoding="utf-8").strip())
        except OSError as error:
            raise UsageError(
                f"{file} can't be read",
                why=error.strerror or str(error),
                next_step="name files that are there",
            ) from error
    joined = masking.masked("\n\n".join(filter(None, texts)), environment)
    return markdown.cut(f"{_hidden(marker)}\n{joined}\n", LIMIT, _NOTE)


def keep_comment(github: GitHub, number: int, marker: str, body: str) -> str:
    """Post the comment, or edit the comment with the same marker. Gives the comment's address."""
    for comment in github.comments(number):
        if _is_ours(comment, marker):
            if comment["body"] != body:
                comment = github.edit_comment(comment["id"], body)
            return comment["html_url"]
    return github.add_comment(number, body)["html_url"]


def keep_issue(github: GitHub, label: str, title: str, body: str) -> str:
    """Open the issue, or edit the open issue with the same label. Gives the issue's address."""
    for issue in github.open_issues(label):
        if _is_ours(issue, label):
            if (issue["title"], issue["body"]) != (title, body):
                issue = github.edit_issue(issue["number"], title=title, body=body)
            return issue["html_url"]
    return github.add_issue(title, body, label)["html_url"]


def close_issues(github: GitHub, label: str, words: str) -> list[str]:
    """Close the open issues of `keep_issue`, with `words` as a comment. Gives the issues' addresses."""
    closed = []
    for issue in list(github.open_issues(label)):
        if _is_ours(issue, label):
            github.add_comment(issue["number"], words, "issues: write")
            github.edit_issue(issue["number"], state="closed", state_reason="completed")
            closed.append(issue["html_url"])
    return closed


def _hidden(marker: str) -> str:
    return f"<!-- slipway:{marker} -->"


def _is_ours(post: Post, marker: str) -> bool:
    # Anybody may write the marker into a post of their own; a workflow's token posts as a bot.
    by_a_bot = (post.get("user") or {}).get("type") == "Bot"
    return by_a_bot and (post.get("body") or "").startswith(_hidden(marker))
