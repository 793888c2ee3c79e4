"""app/smoke.yaml: the smoke tests that belong to the service itself, as data.

    probe: /orders?limit=1             # a GET that answers 200 whenever the service is well
    checks:
      - name: an order survives a write and a read
        steps:
          - request: POST /orders
            headers: {Idempotency-Key: "{unique}"}
            json: {item: tea, quantity: 2}
            expect: {status: 201, json: {item: tea}, headers: {Content-Type: application/json}}
            save: {order: id}          # name: a key of the JSON answer, dots go deeper
          - request: GET /orders/{order}
            expect: {status: 200, json: {id: "{order}"}}

`expect.json` names keys that the answer must have, with their values; the answer may have others. `{name}`
stands for a saved value, `{unique}` for a value that is new at every run. A body is JSON of any shape (Any).
"""

import re
import uuid
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from requests import Session

from pipeline.checks.smoke import Check, CheckFailed, ask
from pipeline.config import strict_yaml
from pipeline.errors import UsageError

_NAME = re.compile(r"\{([a-z_]+)\}")
_REQUEST = r"^(GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS) /\S*$"


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Expect(_Strict):
    """What an answer must have: its status, and some of its JSON and headers."""

    status: int = Field(ge=100, le=599)
    body: dict[str, Any] = Field(default_factory=dict, alias="json")
    headers: dict[str, str] = Field(default_factory=dict)


class Step(_Strict):
    """One request, what its answer must have, and what of the answer is saved (name -> key)."""

    request: str = Field(pattern=_REQUEST)
    headers: dict[str, str] = Field(default_factory=dict)
    body: Any = Field(default=None, alias="json")
    expect: Expect
    save: dict[str, str] = Field(default_factory=dict)


class ServiceCheck(_Strict):
    """A named check: its steps, one after the other."""

    name: str
    steps: list[Step] = Field(min_length=1)


class SmokeFile(_Strict):
    """app/smoke.yaml as a whole."""

    probe: str = Field(default="/", pattern=r"^/\S*$")
    checks: list[ServiceCheck] = Field(default_factory=list)


def load(file: Path) -> SmokeFile:
    """Read app/smoke.yaml, which may be absent. Raises UsageError with all faults of the file."""
    if not file.is_file():
        return SmokeFile()
    shown = f"{file.parent.name}/{file.name}"
    try:
        content = strict_yaml.load(file.read_text(encoding="utf-8"))
        return SmokeFile.model_validate(content if content is not None else {})
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(
            f"{shown} can't be read as UTF-8", why=str(error), next_step="mend the file"
        ) from error
    except yaml.YAMLError as error:
        problem, line = strict_yaml.describe(error)
        raise UsageError(f"{shown}:{line} does not parse", why=problem, next_step="mend that line") from error
    except ValidationError as error:
        faults = [f"{'.'.join(map(str, item['loc']))}: {item['msg']}" for item in error.errors()]
        raise UsageError(
            f"{shown} does not hold together", next_step="mend the file", details=faults
        ) from error


def checks(content: SmokeFile, url: str) -> list[Check]:
    """The file's checks against the service at `url`."""
    return [Check(check.name, lambda http, check=check: _run(http, url, check)) for check in content.checks]  # type: ignore[misc]


def _run(http: Session, url: str, check: ServiceCheck) -> str:
    saved: dict[str, Any] = {"unique": uuid.uuid4().hex}
    for step in check.steps:
        request = str(_filled(step.request, saved))
        method, path = request.split(" ", 1)
        answer = ask(
            http, method, url + path, headers=_filled(step.headers, saved), json=_filled(step.body, saved)
        )
        if answer.status_code != step.expect.status:
            raise CheckFailed(
                f"{request}: {answer.status_code}; {step.expect.status} was expected: {answer.text[:200]}"
            )
        for name, value in step.expect.headers.items():
            if answer.headers.get(name) != _filled(value, saved):
                raise CheckFailed(
                    f"{request}: header {name} is {answer.headers.get(name)!r}; {value!r} was expected"
                )
        if step.expect.body or step.save:
            try:
                body = answer.json()
            except ValueError as error:
                raise CheckFailed(f"{request}: the answer is not JSON: {answer.text[:200]}") from error
            _compare(request, body, _filled(step.expect.body, saved), "")
            saved.update({name: _at(request, body, path) for name, path in step.save.items()})
    return f"{len(check.steps)} step{'s' if len(check.steps) > 1 else ''}"


def _compare(request: str, seen: Any, expected: Any, path: str) -> None:
    if isinstance(expected, dict) and isinstance(seen, dict):
        for key, value in expected.items():
            if key not in seen:
                raise CheckFailed(f"{request}: the answer has no {path}{key}")
            _compare(request, seen[key], value, f"{path}{key}.")
    elif seen != expected:
        raise CheckFailed(f"{request}: {path.rstrip('.')} is {seen!r}; {expected!r} was expected")


def _at(request: str, body: Any, path: str) -> Any:
    for key in path.split("."):
        if not isinstance(body, dict) or key not in body:
            raise CheckFailed(f"{request}: the answer has no {path}")
        body = body[key]
    return body


def _filled(value: Any, saved: dict[str, Any]) -> Any:
    if isinstance(value, dict):
        return {key: _filled(item, saved) for key, item in value.items()}
    if isinstance(value, list):
        return [_filled(item, saved) for item in value]
    if not isinstance(value, str):
        return value
    whole = _NAME.fullmatch(value)
    if whole and whole[1] in saved:
        return saved[whole[1]]
    return _NAME.sub(lambda match: str(saved.get(match[1], match[0])), value)
