"""The Grafana dashboard over our Prometheus metrics, told as a table of panels: `make docs` writes it."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

FILE = Path(__file__).resolve().parents[2] / "monitoring" / "grafana" / "lookalike.json"
SOURCE = {"type": "prometheus", "uid": "prometheus"}
WIDTH, HEIGHT = 24, 8
RATE = "[$__rate_interval]"


@dataclass(frozen=True, slots=True)
class Panel:
    """A graph: its lines as (expression, legend), their unit as Grafana calls it, and columns of 24."""

    title: str
    lines: Sequence[tuple[str, str]]
    unit: str = "short"
    width: int = 8
    kind: str = "timeseries"


def quantiles(metric: str, **labels: str) -> list[tuple[str, str]]:
    """p50, p95 and p99 of a histogram, of the series that have these labels."""
    matching = "{" + ",".join(f'{name}="{value}"' for name, value in labels.items()) + "}" if labels else ""
    return [
        (f"histogram_quantile({part}, sum by (le) (rate({metric}_bucket{matching}{RATE})))", f"p{round(float(part) * 100)}")
        for part in ("0.5", "0.95", "0.99")
    ]


PANELS: tuple[Panel, ...] = (
    Panel("Ready", [("min(lookalike_engine_ready)", "engine")], kind="stat", width=4),
    Panel("Products", [("max(lookalike_documents)", "products")], kind="stat", width=4),
    Panel("Workers", [("max(lookalike_workers)", "alive")], kind="stat", width=4),
    Panel("Searches a second", [(f"sum by (outcome) (rate(lookalike_searches_total{RATE}))", "{{outcome}}")], "reqps", 12),
    Panel("Time to answer", quantiles("lookalike_http_request_seconds"), "s"),
    Panel(
        "Search, p95 by stage",
        [(f"histogram_quantile(0.95, sum by (le, stage) (rate(lookalike_search_stage_seconds_bucket{RATE})))", "{{stage}}")],
        "s",
    ),
    Panel("Search, whole", quantiles("lookalike_search_stage_seconds", stage="total"), "s"),
    Panel(
        "Answers by status",
        [(f"sum by (status) (rate(lookalike_http_requests_total{RATE}))", "{{status}}")],
        "reqps",
    ),
    Panel("Answered without the networks", [(f"sum(rate(lookalike_searches_degraded_total{RATE}))", "degraded")], "reqps"),
    Panel(
        "What waits",
        [
            ("sum(lookalike_http_waiting)", "requests"),
            ("max(lookalike_looks_waiting)", "pictures"),
            ("sum(lookalike_jobs_waiting)", "jobs"),
            ("sum(lookalike_events_waiting)", "events"),
            ("max by (queue) (lookalike_queue_messages)", "{{queue}}"),
        ],
    ),
    Panel(
        "Pictures looked at together, mean",
        [
            (
                f"sum(rate(lookalike_look_batch_pictures_sum{RATE})) / sum(rate(lookalike_look_batch_pictures_count{RATE}))",
                "pictures a batch",
            )
        ],
    ),
    Panel(
        "Pictures through workers",
        [
            (f"max by (outcome) (rate(lookalike_looks_total{RATE}))", "{{outcome}}"),
            ("max(lookalike_looks_rate)", "what they can do"),
            ("max(lookalike_looks_in_hand)", "in hand"),
        ],
    ),
    Panel(
        "A picture with a worker, mean",
        [
            (
                f'max(rate(lookalike_looks_waited_seconds_total{RATE})) / max(rate(lookalike_looks_total{{outcome="answered"}}{RATE}))',
                "waits",
            ),
            (
                f'max(rate(lookalike_looks_busy_seconds_total{RATE})) / max(rate(lookalike_looks_total{{outcome="answered"}}{RATE}))',
                "is looked at",
            ),
        ],
        "s",
    ),
    Panel("Rows of the catalogue", [(f"sum by (outcome) (rate(lookalike_ingest_rows_total{RATE}))", "{{outcome}}")]),
    Panel(
        "Ingest: seconds of work a second",
        [(f"sum by (stage) (rate(lookalike_ingest_stage_seconds_total{RATE}))", "{{stage}}")],
    ),
    Panel("The catalogue's pictures", [(f"sum by (how) (rate(lookalike_ingest_pictures_total{RATE}))", "{{how}}")]),
    Panel("Events", [(f"sum by (outcome) (rate(lookalike_events_total{RATE}))", "{{outcome}}")]),
    Panel("Redis", [("min(lookalike_redis_ready)", "answers")], width=4, kind="stat"),
)


def text() -> str:
    """The file."""
    left = top = 0
    panels: list[dict[str, Any]] = []
    for number, panel in enumerate(PANELS, 1):
        if left + panel.width > WIDTH:
            left, top = 0, top + HEIGHT
        panels.append(_panel(number, panel, left, top))
        left += panel.width
    told = {
        "uid": "lookalike",
        "title": "Lookalike",
        "description": "Searches, queues, workers, ingest. Written by make docs.",
        "tags": ["lookalike"],
        "schemaVersion": 39,
        "version": 1,
        "editable": True,
        "timezone": "browser",
        "refresh": "30s",
        "time": {"from": "now-3h", "to": "now"},
        "templating": {"list": []},
        "annotations": {"list": []},
        "panels": panels,
    }
    return json.dumps(told, indent=1) + "\n"


def _panel(number: int, panel: Panel, left: int, top: int) -> dict[str, Any]:
    targets = [
        {"refId": chr(65 + place), "datasource": SOURCE, "expr": expression, "legendFormat": legend}
        for place, (expression, legend) in enumerate(panel.lines)
    ]
    told: dict[str, Any] = {
        "id": number,
        "title": panel.title,
        "type": panel.kind,
        "datasource": SOURCE,
        "gridPos": {"x": left, "y": top, "w": panel.width, "h": HEIGHT},
        "fieldConfig": {"defaults": {"unit": panel.unit, "min": 0}, "overrides": []},
        "targets": targets,
    }
    if panel.kind == "stat":
        return told | {"options": {"reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False}, "graphMode": "area"}}
    return told | {"options": {"legend": {"displayMode": "list", "placement": "bottom"}, "tooltip": {"mode": "multi", "sort": "desc"}}}
