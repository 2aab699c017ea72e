"""One HTML page about a pipeline: the repository, what was made of it, and what became of each phase.

It loads nothing from outside, and shows nothing of the repository that was not escaped.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from foundry import files
from foundry.evaluation.page import facts_table, folded, page, section, table
from foundry.manifests import seal_of
from foundry.pipeline.charts import bar_rows, columns
from foundry.pipeline.manifest import REPORT_FILE, PhaseRecord, PipelineManifest, utc_day
from foundry.pipeline.phase import RUNS_FOLDER
from foundry.pipeline.summary import both_sides, headline
from foundry.terminal import duration

MAX_SHOWN_LANGUAGES = 12
MAX_SHOWN_COLUMNS = 120
MARKS = {"complete": "✓", "partial": "◐", "skipped": "–", "failed": "✗", "interrupted": "✗", "running": "…"}
STATUS_COLOURS = """
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(8.5rem, 1fr)); gap: .75rem; }
.tiles { margin-bottom: .75rem; } .tiles:last-child { margin-bottom: 0; }
.tile { border: 1px solid var(--line); border-radius: .5rem; padding: .6rem .8rem; }
.tile b { display: block; font-size: 1.35rem; font-weight: 600; font-variant-numeric: tabular-nums; }
.tile span { color: var(--soft); font-size: .85rem; }
.complete { color: #2e8b57; } .failed, .interrupted { color: #c8452f; } .partial, .running { color: #c98a1b; }
.skipped { color: var(--soft); }
.problem { border-left: .25rem solid #c8452f; padding-left: .8rem; overflow-wrap: anywhere; }
.phases td:nth-child(2), .phases td:nth-child(4) { white-space: nowrap; }
.bars th { border: 0; width: 22%; }
.bars td { border: 0; padding: .15rem .6rem .15rem 0; } .bars td:nth-child(2) { width: 60%; }
.bar { background: var(--accent); border-radius: .2rem; height: .8rem; min-width: 2px; }
figure.plain { background: none; }
.columns { height: 9rem; } .columns rect { fill: var(--accent); }
.columns text { fill: var(--soft); font-size: 11px; }
a { color: var(--accent); }
"""


def write_report(folder: Path, manifest: PipelineManifest) -> Path:
    """Write the page of a pipeline into its folder, unless it shows this manifest already; where it is."""
    path = folder / REPORT_FILE
    mark = f'<meta name="manifest" content="{seal_of(manifest.model_dump(mode="json"))}">'
    if not (path.is_file() and mark in path.read_text(encoding="utf-8", errors="replace")):
        text = report_page(folder, manifest).replace("</style>", f"{STATUS_COLOURS}</style>\n{mark}", 1)
        files.write_text(path, text)
    return path


def report_page(folder: Path, manifest: PipelineManifest) -> str:
    """The page as one HTML text."""
    sections = [
        *_problem(manifest),
        _phases(manifest),
        *_repository(manifest),
        *_scraped(manifest.phases.get("scrape")),
        *_tokenized(manifest),
        *_training(folder, manifest.phases.get("train")),
        *_index(folder, manifest.phases.get("embed")),
        *_evaluation(folder, manifest.phases.get("evaluate")),
        folded("Configuration", facts_table(manifest.configuration.items())),
        folded("Environment", facts_table(manifest.environment.items())),
        folded("Manifest", f"<pre>{escape(manifest.model_dump_json(indent=2))}</pre>"),
    ]
    return page(f"pipeline {manifest.pipeline_name}", manifest.status, sections)


def _problem(manifest: PipelineManifest) -> list[str]:
    lines = [manifest.problem] if manifest.problem else []
    lines += [
        f"{name}: {record.reason}"
        for name, record in manifest.phases.items()
        if record.status in ("failed", "interrupted")
    ]
    if not lines:
        return []
    return [section("What is wrong", "".join(f'<p class="problem">{escape(line)}</p>' for line in lines))]


def _phases(manifest: PipelineManifest) -> str:
    """What became of each phase, and how long it took."""
    rows = []
    for name, record in manifest.phases.items():
        mark = f'<span class="{record.status}">{MARKS[record.status]} {record.status}</span>'
        said = "; ".join(filter(None, [headline(name, record), record.reason]))
        seconds = duration(record.seconds) if record.seconds is not None else ""
        rows.append(f"<tr><th>{escape(name)}</th><td>{mark}</td><td>{escape(said)}</td><td>{seconds}</td></tr>")
    total = f"<tr><th></th><td></td><td></td><td>{duration(manifest.seconds)}</td></tr>"
    return section("Phases", f'<div class="wide"><table class="phases">{"".join(rows)}{total}</table></div>')


def _tiles(facts: Sequence[tuple[str, str]]) -> str:
    tiles = "".join(
        f'<div class="tile"><b>{escape(value)}</b><span>{escape(name)}</span></div>' for name, value in facts
    )
    return f'<div class="tiles">{tiles}</div>'


def _repository(manifest: PipelineManifest) -> list[str]:
    """What was learned from."""
    facts, found = manifest.repository, manifest.statistics
    if facts is None:
        return []
    rows = [("repository", facts.source), ("HEAD", f"{facts.head[:12]} ({facts.branch or 'detached'})")]
    rows += [("note", "a shallow clone: a part of the history is missing")] if facts.is_shallow else []
    rows += [("note", "grafts and replacement objects are not followed")] if facts.has_grafts else []
    if not found:
        return [section("Repository", facts_table(rows))]
    first, last = utc_day(found["first_commit_time"]), utc_day(found["last_commit_time"])
    rows.append(
        ("from", f"{first} to {last}, {found['span_days']:,g} days, {found['commits_per_day']:,g} commits a day")
    )
    tiles = [
        ("commits", f"{found['commits']:,}"),
        ("authors", f"{found['authors']:,}"),
        ("branches", f"{found['num_branches']:,}"),
        ("files", f"{found['files']:,}"),
        ("MB of files", f"{found['file_bytes'] / 1e6:,.1f}"),
    ]
    unit = "day" if found["commits_by_day"] else "month"
    columns_of_time = list(found[f"commits_by_{unit}"].items())[-MAX_SHOWN_COLUMNS:]
    languages = list(found["languages"].items())[:MAX_SHOWN_LANGUAGES]
    parts = [section("Repository", f"{_tiles(tiles)}\n{facts_table(rows)}")]
    if len(columns_of_time) > 1:
        parts.append(section(f"Commits a {unit}", columns(columns_of_time)))
    if languages:
        parts.append(
            section("Languages", bar_rows([(name, size, f"{size / 1e3:,.1f} kB") for name, size in languages]))
        )
    return parts


def _scraped(record: PhaseRecord | None) -> list[str]:
    """What was read, and what was replaced before anything was stored."""
    if record is None or not record.is_done:
        return []
    found = record.results
    coverage, kinds = found["coverage"], found["redactions"]["by_kind"]
    tiles = [
        ("commits read", f"{found['commits']:,}"),
        ("files kept", f"{coverage['files_kept']:,} of {coverage['files_tracked']:,}"),
        ("of their bytes", f"{coverage['bytes_ratio']:.1%}"),
        ("replaced", f"{found['redactions']['total']:,}"),
    ]
    by_count = sorted(kinds.items(), key=lambda item: (-item[1], item[0]))
    redacted = bar_rows([(kind, count, f"{count:,}") for kind, count in by_count])
    parts = [section("What was read", _tiles(tiles))]
    parts.append(section("What was replaced before it was stored", redacted if kinds else "<p>Nothing had to be.</p>"))
    return parts


def _tokenized(manifest: PipelineManifest) -> list[str]:
    """The sequences, how they were divided, and the length of training that follows."""
    record = manifest.phases.get("tokenize")
    if record is None or not record.is_done:
        return []
    found = record.results
    tokens = found["tokens_before_packing"]
    sequences = {part: sum(kinds.values()) for part, kinds in found["sequences"].items()}
    tiles = [
        ("tokens to learn from", f"{tokens['training']:,}"),
        ("tokens held out", f"{tokens.get('validation', 0):,}"),
        ("sequences", both_sides(sequences)),
        ("vocabulary", f"{found['vocab_size']:,}"),
        ("near duplicates", f"{found['near_duplicates']['count']:,}"),
    ]
    rule = f"<p>{escape(found['held_out']['rule'])}</p>"
    lengths = manifest.training_parameters
    names = list(lengths.real or {})
    rows = [["", "estimated", "real"]]
    rows += [
        [name.replace("_", " "), *(_number(part, name) for part in (lengths.estimated, lengths.real))] for name in names
    ]
    return [section("Tokens", f"{_tiles(tiles)}\n{rule}"), section("Length of training", table(rows))]


def _number(values: Mapping[str, Any] | None, name: str) -> str:
    return "" if values is None or name not in values else f"{values[name]:,}"


def _training(folder: Path, record: PhaseRecord | None) -> list[str]:
    """The curves of the run."""
    run = None if record is None else record.results.get("run")
    if record is None or run is None or not (folder / RUNS_FOLDER / run).is_dir():
        return []
    from foundry.evaluation.curves import LOSS_LABEL, curve_svg, loss_curves
    from foundry.training.lifecycle import METRICS_NAME
    from foundry.training.metrics import read_metrics

    curves = loss_curves(read_metrics(folder / RUNS_FOLDER / run / METRICS_NAME))
    loss = record.results.get("best_validation_loss")
    tiles = [("steps", f"{record.results['steps']:,}")]
    tiles += [("best validation loss", f"{loss:.3f}")] if loss is not None else []
    tiles += [("tokens a second", f"{rate:,.0f}")] if (rate := record.timings.get("tokens_per_second")) else []
    figure = f"<figure>{curve_svg(curves, LOSS_LABEL)}</figure>" if curves else ""
    return [section("Training", f"{_tiles(tiles)}\n<p></p>\n{figure}")]


def _index(folder: Path, record: PhaseRecord | None) -> list[str]:
    if record is None or not record.is_done:
        return []
    found = record.results
    tiles = [(name, f"{found[name]:,}") for name in ("commits", "files", "points", "dimension")]
    hint = f'foundry search {folder} "where is the retry logic"'
    return [section("Search index", f"{_tiles(tiles)}\n<p><code>{escape(hint)}</code></p>")]


def _evaluation(folder: Path, record: PhaseRecord | None) -> list[str]:
    """What the model writes, in figures; its page has the texts."""
    if record is None or not record.is_done:
        return []
    found = record.results
    shown = [
        ("texts", _counted(found.get("samples"))),
        ("success rate", _share(found.get("success_rate"))),
        ("of the model before training", _share(found.get("base_success_rate"))),
        ("parse", _share(found.get("parse_rate"))),
        ("perplexity", _figure(found.get("perplexity"))),
        ("pass@1", _share(found.get("pass_at_1"))),
    ]
    body = _tiles([(name, value) for name, value in shown if value])
    if (folder / EVALUATION_PAGE).is_file():
        body += f'\n<p><a href="{EVALUATION_PAGE}">What the model wrote, text by text</a></p>'
    return [section("What the model writes", body)]


EVALUATION_PAGE = "evaluation/evaluation.html"


def _counted(value: Any) -> str:
    return f"{value:,}" if isinstance(value, int) else ""


def _share(value: Any) -> str:
    return f"{value:.0%}" if isinstance(value, int | float) else ""


def _figure(value: Any) -> str:
    return f"{value:,.1f}" if isinstance(value, int | float) else ""
