"""The costs in docs/going-live.md are those of the environment files at the prices in docs/prices.yaml."""

import functools
from typing import Any

import pytest
import yaml

from pipeline.config import environment, project
from pipeline.graph import graph, template
from tests.support.repository import ROOT

GOING_LIVE = (ROOT / "docs/going-live.md").read_text(encoding="utf-8")
LIST = yaml.safe_load((ROOT / "docs/prices.yaml").read_text(encoding="utf-8"))
ENVIRONMENTS = ("dev", "staging", "prod")
LOAD_BALANCER_ADDRESSES = 2  # one in each of its subnets
LOG_GB = 1  # a month; an assumption that the page states


def price(name: str) -> float:
    return float(LIST["prices"][name]["usd"])


@functools.cache
def templates() -> list[template.Template]:
    return template.load_all(ROOT / "infra")


def parameters(name: str) -> dict[str, str]:
    """Every parameter of every template, as this environment gets it."""
    loaded = environment.load(name, ROOT / "infra/environments")
    nodes = graph.derive(templates(), loaded, project.find(ROOT).service)
    return {key: value for node in nodes.values() for key, value in node.given.items()}


def alarms() -> int:
    (stack,) = [t for t in templates() if t.name == "ecs-stack"]
    return sum(resource.type == "AWS::CloudWatch::Alarm" for resource in stack.resources.values())


def costs(given: dict[str, str]) -> dict[str, float]:
    """US dollars a month by the table's rows."""
    hours = LIST["hours_per_month"]
    tasks = int(given["TaskCount"])
    provider = "spot" if given["CapacityProvider"] == "FARGATE_SPOT" else "fargate"
    task_hour = int(given["TaskCpu"]) / 1024 * price(f"{provider}_vcpu_hour")
    task_hour += int(given["TaskMemory"]) / 1024 * price(f"{provider}_gb_hour")
    servers = 2 if given["DatabaseMultiAz"] == "true" else 1
    storage = int(given["DatabaseLargeStorage"]) or int(given["DatabaseAllocatedStorage"])
    kept_months = int(given["LogRetentionDays"]) / 30
    return {
        "Tasks (Fargate)": tasks * task_hour * hours,
        "Public addresses": (tasks + LOAD_BALANCER_ADDRESSES) * price("public_address_hour") * hours,
        "Load balancer": price("load_balancer_hour") * hours,
        "Database server": servers * price(given["DatabaseInstanceClass"]) * hours,
        "Database storage": servers * storage * price("database_gb_month"),
        "Alarms": alarms() * price("alarm_month"),
        f"Logs, {LOG_GB} GB a month": LOG_GB * (price("log_gb") + kept_months * price("log_gb_month")),
    }


def table() -> str:
    """The page's table of costs."""
    columns = {name: costs(parameters(name)) for name in ENVIRONMENTS}
    rows = [(row, [f"{columns[name][row]:.2f}" for name in ENVIRONMENTS]) for row in columns["dev"]]
    totals = [f"**{sum(column.values()):.0f}**" for column in columns.values()]
    lines = [
        ("US dollars a month", list(ENVIRONMENTS)),
        ("---", ["---:"] * 3),
        *rows,
        ("**Together**", totals),
    ]
    return "\n".join(f"| {' | '.join([name, *cells])} |" for name, cells in lines)


def test_the_table_of_costs_is_what_the_environment_files_come_to() -> None:
    """Changed an environment file or a price? Put this table into docs/going-live.md."""
    assert table() in GOING_LIVE


@pytest.mark.parametrize(
    ("changed", "row", "factor"),
    [
        ({"TaskCount": "4"}, "Tasks (Fargate)", 2),
        ({"TaskCount": "6"}, "Public addresses", 2),
        ({"DatabaseMultiAz": "true"}, "Database server", 2),
        ({"DatabaseAllocatedStorage": "60"}, "Database storage", 3),
        ({"DatabaseLargeStorage": "400"}, "Database storage", 20),
    ],
)
def test_what_an_environment_has_more_of_costs_more(changed: Any, row: str, factor: float) -> None:
    before = parameters("staging")

    assert costs(before | changed)[row] == pytest.approx(factor * costs(before)[row])


def test_the_readme_names_the_same_sums() -> None:
    dev, staging, prod = (f"${sum(costs(parameters(name)).values()):.0f}" for name in ENVIRONMENTS)

    assert f"{dev}, {staging} and {prod} a month" in (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_prices_of_traffic_are_those_of_the_list() -> None:
    unit = price("load_balancer_unit_hour") * LIST["hours_per_month"]

    assert f"${unit:.2f} for a whole month" in GOING_LIVE
    assert f"log lines, ${price('log_gb')} a GB" in GOING_LIVE


def test_each_price_says_what_it_is_where_it_stands_and_since_when() -> None:
    assert {"usd", "usage", "page", "seen"} == set.intersection(*(set(p) for p in LIST["prices"].values()))
    assert all(p["usage"].startswith("EU-") and p["usd"] > 0 for p in LIST["prices"].values())
