"""Ablations: short training runs that differ in one thing, on the same probes, as one table."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml
from vasotype_models.network import Network

from vasotype_training.config import Section, TrainConfig, overridden
from vasotype_training.data import Materials
from vasotype_training.probes import (
    Probe,
    ProbeConfig,
    draw_probes,
    score_cases,
    score_probes,
    steering_cases,
)
from vasotype_training.simulate.anatomy import Anatomy
from vasotype_training.task import load_weights
from vasotype_training.train import fit, gather

log = logging.getLogger(__name__)

SCORES = "scores.json"
START, END = "<!-- ablations -->", "<!-- /ablations -->"
"""The table of a page stands between these lines."""


class Run(Section):
    """One ablation: what it ``asks`` in words, and ``set``, its ``section.key=value``."""

    name: str
    asks: str
    set: tuple[str, ...] = ()


class AblationConfig(Section):
    """``runs`` of a training configuration (``base``), each with every seed; the first compares."""

    seeds: tuple[int, ...]
    probe: ProbeConfig
    base: dict[str, Any]
    runs: tuple[Run, ...]


Scores = dict[str, float]


def ablate(config_path: Path, output: Path) -> str:
    """Train and score every run that has no ``scores.json`` yet; returns the table as Markdown.

    A run's folder is ``output/NAME-sSEED``; an interrupted ablation goes on with the run that it
    was at. The table also goes to ``output/ablations.md``. Raises FileNotFoundError, and ValueError
    naming the key of the configuration that is unknown or ill-typed.
    """
    with config_path.open(encoding="utf-8") as stream:
        config = AblationConfig.model_validate(yaml.safe_load(stream))
    left = [
        (run, seed)
        for seed in config.seeds
        for run in config.runs
        if not (output / f"{run.name}-s{seed}" / SCORES).is_file()
    ]
    configs = {(run.name, seed): _config(config.base, run, seed, output) for run, seed in left}
    if left:
        probes = draw_probes(config.probe)
        cases = steering_cases(next(iter(configs.values())).validation)
        kept: dict[str, Materials] = {}
        for number, (run, seed) in enumerate(left, start=1):
            log.info("run %d of %d: %s, seed %d", number, len(left), run.name, seed)
            _run(configs[run.name, seed], kept, probes, cases)
    text = table(config, output)
    output.mkdir(parents=True, exist_ok=True)
    (output / "ablations.md").write_text(text, encoding="utf-8")
    return text


def _config(base: dict[str, Any], run: Run, seed: int, output: Path) -> TrainConfig:
    own = {"name": f"{run.name}-s{seed}", "seed": seed, "output": str(output)}
    return TrainConfig.model_validate(overridden(base, run.set) | own)


def _run(
    config: TrainConfig,
    kept: dict[str, Materials],
    probes: Sequence[Probe],
    cases: Sequence[Anatomy],
) -> None:
    """Train one run without validation on the way, and score it; materials are read once."""
    data = config.data
    key = repr((data.anatomies, data.cohorts, data.labels, data.outlines))
    if key not in kept:
        kept.clear()
        kept[key] = gather(config)
    folder = fit(config.model_copy(update={"validation": ()}), kept[key])
    state, architecture, _ = load_weights(folder / "weights.pt")
    network = Network(architecture)
    network.load_state_dict(state)
    network.eval()
    with torch.no_grad():
        scores = score_probes(network, probes) | score_cases(network, cases)
    waiting = folder / "scores.partial"
    waiting.write_text(json.dumps(scores, indent=1) + "\n", encoding="utf-8")
    waiting.replace(folder / SCORES)


def table(config: AblationConfig, output: Path) -> str:
    """Mean over seeds of every score, and how it differs from the first run's; seeds in brackets.

    Runs without scores are named.
    """
    scores = {
        run.name: [
            json.loads(path.read_text(encoding="utf-8"))
            for seed in config.seeds
            if (path := output / f"{run.name}-s{seed}" / SCORES).is_file()
        ]
        for run in config.runs
    }
    names = list(dict.fromkeys(name for own in scores.values() for one in own for name in one))
    lines = [f"| what differs | {' | '.join(names)} |", f"|---|{'---|' * len(names)}"]
    first = scores[config.runs[0].name]
    for run in config.runs:
        own = scores[run.name]
        cells = [_cell(name, own, [] if own is first else first) for name in names]
        lines.append(f"| {run.asks} | {' | '.join(cells)} |")
    missing = [
        f"{run.name} ({len(scores[run.name])} of {len(config.seeds)} seeds)"
        for run in config.runs
        if len(scores[run.name]) < len(config.seeds)
    ]
    if missing:
        lines += ["", f"Not run yet: {', '.join(missing)}."]
    return "\n".join(lines) + "\n"


def _cell(name: str, own: Sequence[Scores], first: Sequence[Scores]) -> str:
    values = [one[name] for one in own if name in one]
    if not values:
        return ""
    mean = float(np.mean(values))
    seeds = ", ".join(f"{value:.2f}" for value in values)
    compared = [one[name] for one in first if name in one]
    change = f", {mean - float(np.mean(compared)):+.2f}" if compared else ""
    return f"{mean:.2f}{change} ({seeds})"


def fill_page(page: Path, text: str) -> None:
    """Put a table between the marks of a page; raises ValueError where it has none."""
    before, start, rest = page.read_text(encoding="utf-8").partition(START)
    _, end, after = rest.partition(END)
    if not start or not end:
        raise ValueError(f"{page.name}: the lines {START} and {END} are missing")
    page.write_text(f"{before}{START}\n\n{text}\n{END}{after}", encoding="utf-8")
