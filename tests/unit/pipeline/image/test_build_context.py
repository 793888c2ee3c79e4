"""The build context is what `docker build` sends, by .dockerignore."""

from pathlib import Path

import pytest

from pipeline.errors import ImageError
from pipeline.image import build, build_context
from tests.support import ignore_files


def sent(app: Path) -> set[str]:
    return {path.as_posix() for path in build_context.read(app).sent}


@pytest.mark.parametrize(("ignore", "taken_out"), ignore_files.TAKEN_OUT)
def test_a_pattern_takes_out_what_it_takes_out_of_docker_build(
    tmp_path: Path, ignore: str, taken_out: str
) -> None:
    app = ignore_files.write(tmp_path, ignore)

    in_the_context = {one.as_posix() for one in build.source_files(app)}

    assert set(taken_out.split()) == {*ignore_files.FILES, ignore_files.LINK} - in_the_context
    assert "Dockerfile" in in_the_context


@pytest.mark.parametrize("ignore", ignore_files.REFUSED)
def test_a_pattern_that_docker_build_refuses_is_refused_with_its_line(tmp_path: Path, ignore: str) -> None:
    app = ignore_files.write(tmp_path, ignore)

    with pytest.raises(ImageError) as refused:
        build.content_tag(app, None)

    assert f"app/.dockerignore:{len(ignore.splitlines())} is no pattern" == refused.value.what


def test_a_pattern_that_is_found_to_be_none_at_its_first_file_is_refused_too(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match=r"app/\.dockerignore:1 is no pattern"):
        build_context.read(ignore_files.write(tmp_path, "a*/["))


def test_a_directory_with_nothing_in_it_is_a_part_of_the_context_and_of_the_tag(tmp_path: Path) -> None:
    app = ignore_files.write(tmp_path, "")
    before = build.content_tag(app, None)

    assert ignore_files.EMPTY in sent(app)
    (app / ignore_files.EMPTY).rmdir()
    assert before != build.content_tag(app, None)


def test_what_is_excluded_is_not_read_at_all(tmp_path: Path) -> None:
    app = ignore_files.write(tmp_path, "docs")
    before = build.content_tag(app, None)
    (app / "docs/a.txt").write_text("other")

    assert before == build.content_tag(app, None)


def test_dockerignore_counts_unless_it_excludes_itself_and_is_sent_in_any_case(tmp_path: Path) -> None:
    # The engine reads it, to take itself and the Dockerfile away.
    app = ignore_files.write(tmp_path, ".dockerignore\nDockerfile")

    assert {".dockerignore", "Dockerfile"} < sent(app)
    assert Path(".dockerignore") not in build.source_files(app)
    (app / ".dockerignore").write_text("")
    assert Path(".dockerignore") in build.source_files(app)


def test_bytes_that_are_not_utf_8_are_read_as_they_are(tmp_path: Path) -> None:
    app = ignore_files.write(tmp_path, "")
    (app / ".dockerignore").write_bytes(b"docs\n\xff\n")

    assert "docs/a.txt" not in sent(app)


def test_a_dockerignore_that_only_buildkit_reads_is_refused(tmp_path: Path) -> None:
    app = ignore_files.write(tmp_path, "")
    (app / "Dockerfile.dockerignore").write_text("docs\n")

    with pytest.raises(ImageError, match=r"app/Dockerfile\.dockerignore would not be read"):
        build_context.read(app)
