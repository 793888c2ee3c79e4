"""Every link of a page to another file of the repository leads somewhere, its heading included."""

import re
from collections.abc import Iterator
from pathlib import Path

from tests.support.repository import ROOT

PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), ROOT / "local_aws" / "README.md"])


def links(page: Path) -> Iterator[str]:
    text = re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    yield from (link for link in re.findall(r"\]\(([^)\s]+)\)", text) if "://" not in link)


def headings(page: Path) -> set[str]:
    """As GitHub makes them: lower case, spaces to hyphens, punctuation gone."""
    found = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in found}


def leads_somewhere(page: Path, link: str) -> bool:
    file, _, heading = link.partition("#")
    target = (page.parent / file).resolve() if file else page
    return target.exists() and (not heading or heading in headings(target))


def test_no_link_of_a_page_is_broken() -> None:
    broken = [
        (str(page.relative_to(ROOT)), link)
        for page in PAGES
        for link in links(page)
        if not leads_somewhere(page, link)
    ]

    assert [] == broken
