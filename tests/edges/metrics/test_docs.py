"""What is written of metrics and jobs is so: the page, the alarms, the dashboard, the table of jobs."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from tests.edges.metrics.page import DOCS, PAGE, page
from tokenhouse.edges.metrics.catalogue import CATALOGUE
from tokenhouse.flow.schedule import JOBS

DASHBOARD = DOCS / "operating" / "grafana.json"
NAME = re.compile(r"\b(?:tokenhouse|process)_[a-z_]+\b")
SELECTED = re.compile(r"(tokenhouse_[a-z_]+)\{([a-z]+)(?:=|!=)\"([a-z_-]+)\"\}")
OF_THE_SYSTEM = {"process_resident_memory_bytes"}


def samples() -> set[str]:
    """Return every name that a sample can have."""
    ends = {"counter": ("_total",), "gauge": ("",), "histogram": ("_bucket", "_sum", "_count")}
    return {name + end for name, metric in CATALOGUE.items() for end in ends[metric.kind]}


def expressions() -> Iterator[tuple[str, str]]:
    """Yield (title, expression) of the dashboard's panels."""
    document: dict[str, Any] = json.loads(DASHBOARD.read_text(encoding="utf-8"))
    for panel in document["panels"]:
        for target in panel.get("targets", ()):
            yield panel["title"], target["expr"]


def alarms() -> list[str]:
    """Return the expressions that the page proposes."""
    return re.findall(r"^\| `(.*tokenhouse_.*[<>=].*)` \| ", PAGE.read_text(encoding="utf-8"), re.MULTILINE)


def test_the_page_lists_the_metrics():
    text = PAGE.read_text(encoding="utf-8")
    assert text == page(text), "run: python -m tests.edges.metrics.page"


@pytest.mark.row("A7", "C9")
def test_every_metric_that_the_dashboard_names_is_exposed():
    found = list(expressions())
    assert len(found) > 30
    for title, expression in found:
        names = set(NAME.findall(expression))
        assert names, title
        assert names <= samples() | OF_THE_SYSTEM, title


def test_the_dashboard_shows_every_metric():
    shown = {name for _, expression in expressions() for name in NAME.findall(expression)}
    unseen = {name for name in CATALOGUE if not any(one.startswith(name) for one in shown)}
    assert unseen == set()


def test_panels_have_places_and_ids_of_their_own():
    panels = json.loads(DASHBOARD.read_text(encoding="utf-8"))["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    taken = set()
    for panel in panels:
        at = panel["gridPos"]
        assert at["x"] + at["w"] <= 24
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert not cells & taken, panel["title"]
        taken |= cells


def test_alarms_name_what_is_there():
    found = alarms()
    assert len(found) == 8
    for expression in found:
        assert set(NAME.findall(expression)) <= samples(), expression
    jobs = {job.name for job in JOBS}
    for name, label, value in SELECTED.findall("\n".join([*found, *(each for _, each in expressions())])):
        metric = CATALOGUE[name]
        assert label in metric.labels
        assert value in metric.what or value in jobs, (name, value)


def test_the_page_of_jobs_lists_them_all():
    text = (DOCS / "how-to" / "jobs.md").read_text(encoding="utf-8")
    found = re.findall(r"^\| `([a-z-]+)` \| (.+?) \| ", text, re.MULTILINE)
    assert found == [
        (job.name, f"`{job.when}`" if isinstance(job.when, str) else f"{job.when} seconds") for job in JOBS
    ]
