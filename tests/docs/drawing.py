"""How Dashboards draws an aggregation: the `params` of a visualization, by its kind."""

from collections.abc import Sequence
from typing import Any

Json = dict[str, Any]


def params(kind: str, aggs: Sequence[Json]) -> Json:
    """What the editor of that kind would have written."""
    shared: Json = {"addTooltip": True, "addLegend": True, "legendPosition": "right", "type": kind}
    if kind == "metric":
        style = {"bgFill": "#000", "bgColor": False, "labelColor": False, "subText": "", "fontSize": 36}
        told = {"percentageMode": False, "useRanges": False, "colorSchema": "Green to Red", "metricColorMode": "None", "style": style}
        told |= {"colorsRange": [{"from": 0, "to": 10_000}], "labels": {"show": True}, "invertColors": False}
        return {"addTooltip": True, "addLegend": False, "type": "metric", "metric": told}
    if kind == "pie":
        return {**shared, "isDonut": True, "labels": {"show": True, "values": True, "last_level": True, "truncate": 100}}
    if kind == "tagcloud":
        return {"scale": "linear", "orientation": "single", "minFontSize": 14, "maxFontSize": 54, "showLabel": False}
    if kind == "table":
        plain = {"perPage": 15, "showPartialRows": False, "showMetricsAtAllLevels": False, "showTotal": False, "totalFunc": "sum"}
        return {**plain, "percentageCol": "", "sort": {"columnIndex": None, "direction": None}}
    return {**shared, **_axes(kind, aggs)}


def _axes(kind: str, aggs: Sequence[Json]) -> Json:
    category = {
        "id": "CategoryAxis-1",
        "type": "category",
        "position": "bottom",
        "show": True,
        "style": {},
        "scale": {"type": "linear"},
        "labels": {"show": True, "filter": True, "truncate": 100},
        "title": {},
    }
    value = {
        "id": "ValueAxis-1",
        "name": "LeftAxis-1",
        "type": "value",
        "position": "left",
        "show": True,
        "style": {},
        "scale": {"type": "linear", "mode": "normal"},
        "labels": {"show": True, "rotate": 0, "filter": False, "truncate": 100},
        "title": {"text": ""},
    }
    mode = "stacked" if kind in ("histogram", "area") else "normal"
    series = [
        {
            "show": True,
            "type": kind,
            "mode": mode,
            "data": {"id": str(number), "label": one["params"].get("customLabel", "Count")},
            "valueAxis": "ValueAxis-1",
            "drawLinesBetweenPoints": True,
            "lineWidth": 2,
            "interpolate": "linear",
            "showCircles": True,
        }
        for number, one in enumerate(aggs, 1)
        if one["schema"] == "metric"
    ]
    line = {"show": False, "value": 10, "width": 1, "style": "full", "color": "#E7664C"}
    told: Json = {"grid": {"categoryLines": False}, "categoryAxes": [category], "valueAxes": [value], "seriesParams": series}
    return told | {"times": [], "addTimeMarker": False, "thresholdLine": line, "labels": {}}
