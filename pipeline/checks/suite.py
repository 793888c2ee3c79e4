"""All smoke tests of an environment's service: what every service must pass, and what app/smoke.yaml adds."""

from pathlib import Path

from pipeline.checks import smoke, smoke_file
from pipeline.context import Context
from pipeline.waiting import Waiter


def file(context: Context) -> Path:
    """app/smoke.yaml, which may not exist."""
    return context.project.app / "smoke.yaml"


def probe_path(context: Context) -> str:
    """The path that answers 200 while the service is well. Raises UsageError for a faulty app/smoke.yaml."""
    return smoke_file.load(file(context)).probe


def checks(
    context: Context,
    url: str,
    version: str | None,
    *,
    digest: str | None = None,
    settle_seconds: float = 120.0,
    served_before: bool = False,
) -> list[smoke.Check]:
    """The checks against the service at `url`.

    served_before: an earlier version is tested, so without app/smoke.yaml, which may test what that version
    does not have. Raises UsageError for a faulty app/smoke.yaml.
    """
    content = smoke_file.load(file(context))
    allowed = next(
        (n.given["AllowedHttpMethods"] for n in context.nodes.values() if "AllowedHttpMethods" in n.given), ""
    )
    target = smoke.Target(
        url=url.rstrip("/"),
        probe=content.probe,
        version=version,
        forbidden_method=smoke.forbidden_method(allowed),
        settle_seconds=settle_seconds,
        digest=digest,
    )
    waiter = Waiter(longest_pause=smoke.LONGEST_PAUSE, sleep=context.sleep, clock=context.clock)
    generic = smoke.generic_checks(target, waiter)
    return generic if served_before else generic + smoke_file.checks(content, target.url)
