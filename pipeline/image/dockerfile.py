"""Which line of app/Dockerfile the engine's builder speaks of."""

import re
from pathlib import Path

_LINE = re.compile(r"Dockerfile parse error (?:on )?line (\d+)", re.IGNORECASE)
_INSTRUCTION = re.compile(r"([A-Z]{3,}) (?:must have|requires|names can not|takes)\b")
_STEP = re.compile(r"Step \d+/\d+ : (.*)")


def place(dockerfile: Path, words: str) -> str:
    """`app/Dockerfile:3` for the line of a refusal or of a step (`Step 3/5 : COPY a b`), else the file.

    Where a refusal names an instruction alone, the line is known only if the file has that instruction once.
    """
    shown = f"{dockerfile.parent.name}/{dockerfile.name}"
    lines = [line.strip() for line in dockerfile.read_text(encoding="utf-8", errors="replace").splitlines()]
    if found := _LINE.search(words):
        return f"{shown}:{found[1]}"
    if step := _STEP.match(words):
        # An instruction of several lines is shown in one.
        numbers = [
            n for n, line in enumerate(lines, 1) if line and step[1].startswith(line.rstrip("\\").rstrip())
        ]
    elif instruction := _INSTRUCTION.search(words):
        numbers = [n for n, line in enumerate(lines, 1) if line.upper().startswith(f"{instruction[1]} ")]
    else:
        numbers = []
    return f"{shown}:{numbers[0]}" if len(numbers) == 1 else shown
