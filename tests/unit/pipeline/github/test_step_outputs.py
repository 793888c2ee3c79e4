"""What a step hands to the next one."""

from pathlib import Path

import pytest

from pipeline.github import step_outputs


def test_values_are_appended_one_a_line_and_what_there_is_not_is_left_out(tmp_path: Path) -> None:
    file = tmp_path / "output"
    file.write_text("before=1\n")

    step_outputs.give({"GITHUB_OUTPUT": str(file)}, url="http://lb", version=None, image="a@b")

    assert "before=1\nurl=http://lb\nimage=a@b\n" == file.read_text()


def test_outside_of_a_workflow_nothing_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)

    step_outputs.give({}, url="http://lb")

    assert [] == list(tmp_path.iterdir())


@pytest.mark.parametrize("value", ["a\nimage=other", "a\rimage=other"])
def test_a_value_of_two_lines_sets_no_second_output(tmp_path: Path, value: str) -> None:
    with pytest.raises(ValueError, match="must be one line"):
        step_outputs.give({"GITHUB_OUTPUT": str(tmp_path / "output")}, url=value)

    assert not (tmp_path / "output").exists()
