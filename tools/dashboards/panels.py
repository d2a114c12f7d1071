"""The few kinds of panel that our dashboards are made of, and how a dashboard is put together.

Every panel says what it shows, in what unit, and what the figure means. Recorded series are named
as in monitoring/rules, so that a panel and an alert read one definition.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from grafana_foundation_sdk.builders import (
    common,
    dashboard,
    stat,
    statetimeline,
    table,
    timeseries,
)
from grafana_foundation_sdk.builders import prometheus as queries
from grafana_foundation_sdk.builders import text as notes
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models import common as options
from grafana_foundation_sdk.models import dashboard as models
from grafana_foundation_sdk.models.prometheus import PromQueryFormat
from grafana_foundation_sdk.models.text import TextMode

RUNBOOKS = "https://github.com/harena/platform/blob/main/docs/runbooks"
SOURCE = models.DataSourceRef(type_val="prometheus", uid="prometheus")
TAG = "harena"

WIDTH = 24
_HEIGHT = 7

# Where a figure turns orange, and red.
Limits = tuple[float, float]

# A value, the word for it and its colour.
State = tuple[str, str, str]
UP: Sequence[State] = (("0", "down", "red"), ("1", "up", "green"))
HEALTH: Sequence[State] = (
    ("0", "unhealthy", "red"),
    ("0.5", "degraded", "orange"),
    ("1", "healthy", "green"),
)
# Where a click on a series that is a service's leads.
TO_SERVICE = "/d/harena-${__field.labels.service}"

# A series and its legend.
Series = tuple[str, str]

# Of the probe through the edge; a gap where it got no answer.
PROBE: Series = (
    'scrape_duration_seconds{job="edge"} and on (instance) up{job="edge"} == 1',
    "{{instance}}",
)
# Each holds a person who waits for an answer, or may ask the next question.
CONVERSATIONS: Sequence[Series] = (
    ("sum(harena_sockets_open)", "sockets"),
    ("sum(harena_streams_open)", "streams"),
)


def quantiles(buckets: str, *shares: float) -> list[Series]:
    """Lines below which a share of all times are; `buckets` is the rate of a histogram's."""
    return [
        (f"histogram_quantile({share}, sum by (le) ({buckets}))", f"{share * 100:g} %")
        for share in shares
    ]


# Without it, a figure that has no data has the colour of the lowest one, which is green.
_NOTHING = models.SpecialValueMap(
    options=models.DashboardSpecialValueMapOptions(
        match=models.SpecialValueMatch.NULL_AND_NAN,
        result=models.ValueMappingResult(text="no data", color="#808080", index=9),
    )
)

# The SDK's own Builder[Panel] does not name what all of these can do.
Panel = stat.Panel | statetimeline.Panel | table.Panel | notes.Panel | timeseries.Panel


@dataclass(frozen=True, slots=True)
class Row:
    """A question, and the panels that answer it."""

    title: str
    panels: Sequence[Panel]


@dataclass(frozen=True, slots=True)
class Board:
    """A dashboard. `alerts` selects which firing alerts are drawn into it, as PromQL matchers."""

    uid: str
    title: str
    description: str
    rows: Sequence[Row]
    alerts: str = 'alertname!="Watchdog"'


def _query(number: int, expr: str, legend: str = "") -> queries.Dataquery:
    query = queries.Dataquery().expr(expr).ref_id(chr(ord("A") + number)).datasource(SOURCE)
    return query.legend_format(legend) if legend else query


def _steps(limits: Limits | None) -> dashboard.ThresholdsConfig:
    found: list[tuple[float | None, str]] = [(None, "green")]
    if limits is not None:
        found += [(limits[0], "orange"), (limits[1], "red")]
    steps = [models.Threshold(value=value, color=color) for value, color in found]
    return dashboard.ThresholdsConfig().mode(models.ThresholdsMode.ABSOLUTE).steps(steps)


def _words(names: Sequence[State]) -> list[models.ValueMapping]:
    if not names:
        return []
    results = {
        value: models.ValueMappingResult(text=word, color=color, index=index)
        for index, (value, word, color) in enumerate(names)
    }
    return [models.ValueMap(options=results)]


def _links(url: str) -> list[Builder[models.DashboardLink]]:
    if not url:
        return []
    return [dashboard.DashboardLink("Open").type(models.DashboardLinkType.LINK).url(url)]


def figure(
    title: str,
    description: str,
    unit: str,
    expr: str,
    *,
    limits: Limits | None = None,
    names: Sequence[State] = (),
    width: int = 6,
) -> stat.Panel:
    """One number, now, or the word for it. Grey where there is none: nothing is not zero."""
    return (
        stat.Panel()
        .title(title)
        .description(description)
        .unit(unit)
        .datasource(SOURCE)
        .with_target(_query(0, expr).instant())
        .thresholds(_steps(limits))
        .mappings([_NOTHING, *_words(names)])
        .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
        .color_mode(options.BigValueColorMode.BACKGROUND)
        .graph_mode(options.BigValueGraphMode.NONE)
        .height(_HEIGHT)
        .span(width)
    )


def graph(
    title: str,
    description: str,
    unit: str,
    *series: Series,
    link: str = "",
    width: int = 9,
    top: float | None = None,
) -> timeseries.Panel:
    """Lines over time, each an expression and its legend; from 0, up to `top` if given."""
    panel = (
        timeseries.Panel()
        .title(title)
        .description(description)
        .unit(unit)
        .datasource(SOURCE)
        .min(0)
        .fill_opacity(8)
        .data_links(_links(link))
        .legend(
            common.VizLegendOptions()
            .display_mode(options.LegendDisplayMode.LIST)
            .placement(options.LegendPlacement.BOTTOM)
            .show_legend(True)
        )
        .tooltip(common.VizTooltipOptions().mode(options.TooltipDisplayMode.MULTI))
        .height(_HEIGHT)
        .span(width)
    )
    if top is not None:
        panel = panel.max(top)
    for number, (expr, legend) in enumerate(series):
        panel = panel.with_target(_query(number, expr, legend).range())
    return panel


def states(
    title: str,
    description: str,
    expr: str,
    legend: str,
    names: Sequence[State],
    *,
    link: str = "",
    width: int = 9,
) -> statetimeline.Panel:
    """Bands over time, in the colours of `names`; a click leads to `link`."""
    return (
        statetimeline.Panel()
        .title(title)
        .description(description)
        .unit("short")
        .datasource(SOURCE)
        .with_target(_query(0, expr, legend).range())
        .mappings(_words(names))
        .data_links(_links(link))
        .show_value(options.VisibilityMode.NEVER)
        .merge_values(True)
        .row_height(0.8)
        .height(_HEIGHT)
        .span(width)
    )


def note(title: str, content: str, *, width: int = WIDTH, height: int = 4) -> notes.Panel:
    """Words, in Markdown."""
    return (
        notes.Panel()
        .title(title)
        .mode(TextMode.MARKDOWN)
        .content(content)
        .height(height)
        .span(width)
    )


def alerts(matchers: str = 'alertname!="Watchdog"') -> table.Panel:
    """What fires now; a click on a name opens its runbook."""
    runbook = f"{RUNBOOKS}/${{__value.raw}}.md"
    hidden = ("Time", "__name__", "alertstate", "Value")
    organize = models.DataTransformerConfig(
        id_val="organize", options={"excludeByName": dict.fromkeys(hidden, True)}
    )
    link = {"title": "Runbook", "url": runbook, "targetBlank": True}
    return (
        table.Panel()
        .title("What fires")
        .description("Alerts that fire now. A click on a name opens its runbook.")
        .unit("string")
        .datasource(SOURCE)
        .with_target(
            _query(0, f'ALERTS{{alertstate="firing", {matchers}}}')
            .instant()
            .format(PromQueryFormat.TABLE)
        )
        .with_transformation(organize)
        .override_by_name("alertname", [models.DynamicConfigValue(id_val="links", value=[link])])
        .no_value("nothing fires")
        .show_header(True)
        .height(_HEIGHT)
        .span(WIDTH)
    )


def build(board: Board) -> models.Dashboard:
    """The dashboard as Grafana reads it, with what all of ours have alike."""
    firing = (
        dashboard.AnnotationQuery()
        .name("Alerts")
        .datasource(SOURCE)
        .enable(True)
        .icon_color("red")
        .expr(f'ALERTS{{alertstate="firing", {board.alerts}}}')
    )
    made = (
        dashboard.Dashboard(board.title)
        .uid(board.uid)
        .description(board.description)
        .tags([TAG])
        .timezone("browser")
        .readonly()
        .time("now-6h", "now")
        .refresh("30s")
        .tooltip(models.DashboardCursorSync.CROSSHAIR)
        .annotation(firing)
        .link(
            dashboard.DashboardLink("Harena")
            .type(models.DashboardLinkType.DASHBOARDS)
            .tags([TAG])
            .as_dropdown(True)
            .keep_time(True)
        )
        .link(
            dashboard.DashboardLink("Runbooks")
            .type(models.DashboardLinkType.LINK)
            .url(RUNBOOKS)
            .target_blank(True)
        )
    )
    number = 0
    for row in board.rows:
        number += 1
        made = made.with_row(dashboard.Row(row.title).id(number))
        for panel in row.panels:
            number += 1
            made = made.with_panel(panel.id(number))
    return made.build()
