"""The sweep: each command killed before and after each of its calls that change something, and broken.

    python -m tests.sweep [--only SCENARIO] [--every N]

Each time the same command is run again and must reach the end that it would have had: no request fails, no
traceback is printed, no lock and nothing else stays behind. All of it takes hours. It ends with 1 where one
run did not end so, and keeps what was printed then in .slipway/sweep/.
"""

import argparse
import contextlib
import io
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from tests.support.clone import clone_to
from tests.support.repository import ROOT
from tests.sweep.broken_aws import LASTING
from tests.sweep.scenarios import SCENARIOS, Result, Scenario, broken, run, world_in

SHARES = ("throttled:0.5", "failed:0.1", "reset:0.1", "lost:0.1", "slow:0.1", "any:0.2")
"""Which share of all calls is broken, the reading ones included."""
KEPT = ROOT / ".slipway" / "sweep"


def faults(calls: Sequence[str], every: int) -> Iterator[str]:
    """Every fault of a command that makes these calls."""
    for number in range(1, len(calls) + 1, every):
        yield from (f"{kind}@{number}" for kind in ("killed_before", "killed_after", "lost"))
    yield from (f"{kind}@{max(1, len(calls) // 2)}" for kind in LASTING)
    yield from (f"{share}:{seed}" for seed, share in enumerate(SHARES, start=1))


def sweep(scenario: Scenario, every: int) -> Iterator[Result]:
    """Break the scenario's command with every fault, one after the other, in one clone."""
    with tempfile.TemporaryDirectory() as folder, quiet() as heard:
        path = Path(folder, "fork")
        path.mkdir()
        with world_in(clone_to(path), under_load=scenario.under_load) as world:
            scenario.prepare(world)
            whole, calls = broken(world, scenario, "none")
            assert 0 == whole.exit_code, whole.output
            for fault in faults(calls, every):
                heard.seek(heard.truncate(0))
                result = run(world, scenario, fault)
                if result.wrong:
                    KEPT.mkdir(parents=True, exist_ok=True)
                    (KEPT / f"{scenario.name} {fault}.txt").write_text(heard.getvalue(), encoding="utf-8")
                yield result


@contextlib.contextmanager
def quiet() -> Iterator[io.StringIO]:
    """What the commands print, for who looks for a cause."""
    heard = io.StringIO()
    with contextlib.redirect_stdout(heard):
        yield heard


def line(result: Result) -> str:
    again = ", ".join(map(str, result.again)) or "-"
    told = "; ".join(result.wrong) or "well"
    fault = f"{result.fault} {result.call}".strip()
    return f"| {result.scenario} | {fault} | {result.code} | {again} | {result.requests} | {told} |"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.sweep", description=__doc__)
    parser.add_argument("--only", choices=[one.name for one in SCENARIOS], help="one of the scenarios")
    parser.add_argument("--every", type=int, default=1, help="only every Nth call is killed, and lost")
    given = parser.parse_args()
    results: list[Result] = []
    print("| command | fault | ended with | then | requests | outcome |\n|---|---|--:|--:|--:|---|")
    for scenario in SCENARIOS:
        if given.only in (None, scenario.name):
            for result in sweep(scenario, given.every):
                results.append(result)
                print(line(result), file=sys.__stdout__, flush=True)
    well, asked = sum(not one.wrong for one in results), sum(one.requests for one in results)
    print(f"\n{well} of {len(results)} ended as they would have; {asked:,} requests were sent meanwhile")
    return 0 if well == len(results) else 1


if __name__ == "__main__":
    sys.exit(main())
