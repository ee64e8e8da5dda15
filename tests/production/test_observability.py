"""The dashboard, the alerts and the scrape configuration agree with the code."""

from __future__ import annotations

import asyncio
import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import promql_parser
import pytest
import yaml
from prometheus_client.core import Metric

from inference_workers.config import WorkerSettings
from inference_workers.deployments import Deployment
from inference_workers.telemetry.engine_metrics import PASSED_ON
from inference_workers.worker import Worker
from portal.desk.observability.views import site_collector
from portal.platform.core.metrics import REGISTRY
from tests.plugin import running_valkey
from tests.production.compose import ROOT, services

FOLDER = ROOT / "docker" / "observability"
RULES = FOLDER / "rules" / "gatehouse.yml"
DASHBOARD = FOLDER / "grafana" / "dashboards" / "gatehouse.json"
SUFFIXES = {
    "counter": ("_total",),
    "histogram": ("_bucket", "_sum", "_count"),
    "gauge": ("",),
}
PROMETHEUS_OWN = {"up"}
SEVERITIES = {"page", "ticket"}


def rules() -> list[dict[str, Any]]:
    document = yaml.safe_load(RULES.read_text())
    return [rule for group in document["groups"] for rule in group["rules"]]


def dashboard() -> dict[str, Any]:
    document: dict[str, Any] = json.loads(DASHBOARD.read_text())
    return document


def graphs() -> list[dict[str, Any]]:
    return [panel for panel in dashboard()["panels"] if panel["type"] != "row"]


def dashboard_expressions() -> list[str]:
    """Grafana's queries, with their variables filled in."""
    return [
        target["expr"].replace("$__rate_interval", "1m").replace("$deployment", ".*")
        for panel in graphs()
        for target in panel["targets"]
    ]


def names_in(expressions: Iterable[str]) -> set[str]:
    found: set[str] = set()

    def visit(node: promql_parser.Expr) -> bool:
        if isinstance(node, promql_parser.VectorSelector):
            assert node.name is not None
            found.add(node.name)
        if isinstance(node, promql_parser.MatrixSelector):
            assert node.vector_selector.name is not None
            found.add(node.vector_selector.name)
        return True

    for expression in expressions:
        promql_parser.walk(promql_parser.parse(expression), visit)
    return found


def sample_names(families: Iterable[Metric]) -> Iterator[str]:
    for family in families:
        for suffix in SUFFIXES[family.type]:
            yield family.name + suffix


async def worker_names(folder: Path) -> list[str]:
    """The metrics of a worker, whether or not it has run a job."""
    settings = WorkerSettings.model_validate(
        {"redis_url": running_valkey().url, "deployment": "d", "engine_dir": folder}
    )
    deployment = Deployment(slug="d", engine="scripted", max_model_len=8)
    worker = Worker(settings, deployment, send=lambda _task, _message: None)
    names = list(sample_names(worker.metrics.registry.collect()))
    await worker.close()
    return names


@pytest.mark.django_db
@pytest.mark.usefixtures("valkey")
def test_every_figure_that_is_asked_for_exists(tmp_path: Path) -> None:
    import_module("portal.lab.jobs.stream.meter")  # enters its figures
    site_collector.forget()
    exposed = {
        *sample_names(REGISTRY.collect()),
        *sample_names(site_collector.collect()),
        *asyncio.run(worker_names(tmp_path)),
        *(name + suffix for name, kind in PASSED_ON.items() for suffix in SUFFIXES[kind]),
    }
    asked = names_in(dashboard_expressions()) | names_in(rule["expr"] for rule in rules())

    assert asked - exposed == PROMETHEUS_OWN


def test_a_figure_that_does_not_exist_would_be_found() -> None:
    expression = 'sum(rate(gatehouse_no_such_total{a="b"}[5m])) / on() gatehouse_nor_this > 1'
    assert names_in([expression]) == {"gatehouse_no_such_total", "gatehouse_nor_this"}


@pytest.mark.parametrize("expression", dashboard_expressions() + [r["expr"] for r in rules()])
def test_every_expression_is_promql(expression: str) -> None:
    assert promql_parser.parse(expression) is not None


def test_rates_are_taken_of_counters_and_quantiles_of_buckets() -> None:
    counted = ("_total", "_bucket", "_sum", "_count")
    wrong = [
        expression
        for expression in [*dashboard_expressions(), *(rule["expr"] for rule in rules())]
        if not all(
            name.endswith(counted)
            for name in re.findall(r"(?:rate|increase)\(([\w:]+)", expression)
        )
        or ("histogram_quantile" in expression and "_bucket" not in expression)
    ]
    assert wrong == []


def test_every_rule_says_how_grave_it_is_and_what_it_means() -> None:
    assert {frozenset(rule) - {"for"} for rule in rules()} == {
        frozenset({"alert", "expr", "labels", "annotations"})
    }
    assert {rule["labels"]["severity"] for rule in rules()} == SEVERITIES
    assert {frozenset(rule["annotations"]) for rule in rules()} == {
        frozenset({"summary", "description"})
    }
    assert [rule for rule in rules() if not re.fullmatch(r"\d+[smh]", rule.get("for", "1m"))] == []
    assert Counter(rule["alert"] for rule in rules()).most_common(1)[0][1] == 1


def test_every_alert_is_in_the_handbook() -> None:
    handbook = (ROOT / "docs" / "operations.md").read_text()
    named = set(re.findall(r"^\| `([A-Z]\w+)` \|", handbook, flags=re.MULTILINE))
    assert named == {rule["alert"] for rule in rules()}


def test_panels_are_whole_and_do_not_overlap() -> None:
    panels = dashboard()["panels"]
    assert Counter(panel["id"] for panel in panels).most_common(1)[0][1] == 1
    assert [panel["title"] for panel in graphs() if not panel["targets"]] == []
    assert {panel["datasource"]["uid"] for panel in graphs()} == {"prometheus"}
    taken: Counter[tuple[int, int]] = Counter()
    for panel in panels:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24
        taken.update(
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        )
    assert taken.most_common(1)[0][1] == 1


def test_the_dashboard_is_provisioned_with_its_data_source() -> None:
    grafana, provisioning = services()["grafana"], FOLDER / "grafana" / "provisioning"
    [source] = yaml.safe_load((provisioning / "datasources/prometheus.yml").read_text())[
        "datasources"
    ]
    [provider] = yaml.safe_load((provisioning / "dashboards/gatehouse.yml").read_text())[
        "providers"
    ]
    assert (source["uid"], source["url"]) == ("prometheus", "http://prometheus:9090")
    path = provider["options"]["path"]
    mounts = mounted(grafana)
    assert mounts[path] == DASHBOARD.parent
    assert mounts["/etc/grafana/provisioning"] == provisioning
    home = grafana["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
    assert home == f"{path}/{DASHBOARD.name}"


def test_prometheus_finds_its_rules_and_whom_to_ask() -> None:
    prometheus, config = services()["prometheus"], FOLDER / "prometheus.yml"
    document = yaml.safe_load(config.read_text())
    mounts = mounted(prometheus)
    assert mounts["/etc/prometheus/prometheus.yml"] == config
    assert document["rule_files"] == ["/etc/prometheus/rules/*.yml"]
    assert mounts["/etc/prometheus/rules"] == RULES.parent
    web, workers = document["scrape_configs"]
    assert web["static_configs"] == [{"targets": ["web:8000"]}]
    assert web["authorization"]["credentials_file"] == "/run/secrets/metrics_token"
    assert services()["web"]["environment"]["METRICS_TOKEN_FILE"] == "/run/secrets/metrics_token"
    [found] = workers["dns_sd_configs"]
    assert set(found["names"]) == {"inference-worker-cpu", "inference-worker-gpu"}
    for name in found["names"]:
        assert services()[name]["environment"]["METRICS_PORT"] == str(found["port"])


def test_watchers_reach_what_they_ask_and_not_the_data() -> None:
    networks = {name: set(service["networks"]) for name, service in services().items()}
    assert networks["prometheus"] == {"metrics"}
    assert networks["grafana"] == {"metrics", "outside"}
    assert {name for name, joined in networks.items() if "metrics" in joined} == {
        *("prometheus", "grafana", "web", "inference-worker-cpu", "inference-worker-gpu"),
    }
    assert [services()[name]["profiles"] for name in ("prometheus", "grafana")] == [
        ["observability"]
    ] * 2


def mounted(service: dict[str, Any]) -> dict[str, Path]:
    """Files of the repository by the place where the container sees them, all read-only."""
    found = {}
    for volume in service["volumes"]:
        source, target, *mode = volume.split(":")
        if source.startswith("./"):
            assert mode == ["ro"]
            found[target] = ROOT / source
            assert found[target].exists()
    return found
