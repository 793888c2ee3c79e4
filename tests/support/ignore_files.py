"""A small tree, and .dockerignore files with what each takes out of the build context.

The Docker command line gave the answers (20.10.24 and 28.2.2, DOCKER_BUILDKIT=0). The tests with Docker ask
the command line of this machine for the same.
"""

from pathlib import Path

FILES = (
    "#note a.txt b.pyc docs/a.txt docs/deep/a.txt docs/deep/b.pyc src/docs/x src/main.py".split()  # noqa: SIM905
)
LINK = "link"
EMPTY = "docs/empty"
_ALL = " ".join(sorted([*FILES, LINK]))
_DOCS = "docs/a.txt docs/deep/a.txt docs/deep/b.pyc"
TAKEN_OUT = [
    ("# docs", ""),
    ("  # docs", ""),
    ("#note", ""),
    ("  #note", "#note"),
    ("\\#note", "#note"),
    ("\ufeffdocs", _DOCS),
    ("docs\r\nlink\r\n", f"{_DOCS} link"),
    ("docs\x0bsrc", ""),
    ("docs\u2028src", ""),
    ("docs\x1c", ""),
    ("docs\xa0", _DOCS),
    ("/docs", _DOCS),
    ("docs/", _DOCS),
    ("./docs//deep/", "docs/deep/a.txt docs/deep/b.pyc"),
    ("docs/../src", "src/docs/x src/main.py"),
    ("docs/deep/..", _DOCS),
    (".", ""),
    ("*/a.txt", "docs/a.txt"),
    ("**/a.txt", "a.txt docs/a.txt docs/deep/a.txt"),
    ("**a.txt", "a.txt docs/a.txt docs/deep/a.txt"),
    ("**/*.txt", "a.txt docs/a.txt docs/deep/a.txt"),
    ("docs/**", _DOCS),
    ("**/docs", f"{_DOCS} src/docs/x"),
    ("**/deep/**", "docs/deep/a.txt docs/deep/b.pyc"),
    ("src/**/x", "src/docs/x"),
    ("docs\n!docs/deep", "docs/a.txt"),
    ("docs\n!docs/deep/a.txt\n", "docs/a.txt docs/deep/b.pyc"),
    ("docs/*\n!docs/deep\ndocs/deep/*.pyc", "docs/a.txt docs/deep/b.pyc"),
    ("*\n!**/main.py", _ALL),
    ("*\n!src", f"#note a.txt b.pyc {_DOCS} link"),
    ("*\n! /src/main.py", f"#note a.txt b.pyc {_DOCS} link src/docs/x"),
    ("!docs\ndocs", _DOCS),
    ("*.txt\n!a.txt", ""),
    ("a.*\n**/!x", "a.txt"),
    ("[ab].*", "a.txt b.pyc"),
    ("[^ab]*", f"#note {_DOCS} link src/docs/x src/main.py"),
    ("{a,b}.txt", ""),
    ("src/main.p?", "src/main.py"),
    ("link", "link"),
    ("**", _ALL),
    ("*\n!.dockerignore", _ALL),
    ("Dockerfile\n.dockerignore", ""),
]
REFUSED = ["!", "![", "a[", "docs\n*[]", "a\\", "fine\n! "]


def write(directory: Path, ignore: str) -> Path:
    """Put the tree, a Dockerfile that copies all of it, and a .dockerignore into a directory."""
    for name in FILES:
        (directory / name).parent.mkdir(parents=True, exist_ok=True)
        (directory / name).write_text(name)
    (directory / EMPTY).mkdir(exist_ok=True)
    if not (directory / LINK).is_symlink():
        (directory / LINK).symlink_to("docs")
    (directory / "Dockerfile").write_text("FROM scratch\nCOPY . /\n")
    (directory / ".dockerignore").write_bytes(ignore.encode())
    return directory
