"""``vasotype harmonise``: biomarkers of several scanners on one scale (ComBat)."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from vasotype.cli.console import guarded, needs_extra
from vasotype.findings import StudyError

LEAST_ICC = 0.75
"""ICC from which a biomarker counts as stable; "good" by Koo and Li (2016)."""


@guarded
def harmonise(
    table: Annotated[
        Path,
        typer.Argument(metavar="TABLE", help="One row a lesion (TSV), with a column for the site."),
    ],
    *,
    output: Annotated[Path, typer.Option("--output", "-o", help="Harmonised table (TSV).")],
    feature: Annotated[
        list[str], typer.Option("--feature", "-f", help="Column to harmonise. May be repeated.")
    ],
    site: Annotated[str, typer.Option(help="Column that names site or scanner.")] = "site",
    covariate: Annotated[
        list[str] | None,
        typer.Option(
            "--covariate",
            "-c",
            help="Numeric biological column whose effect is preserved. May be repeated.",
        ),
    ] = None,
    category: Annotated[
        list[str] | None,
        typer.Option(help="The same of a column of words, such as primary. May be repeated."),
    ] = None,
    training_site: Annotated[
        list[str] | None,
        typer.Option(help="Site whose rows shape the fit; needed for one. May be repeated."),
    ] = None,
    stability: Annotated[
        Path | None,
        typer.Option(
            help="stability.md of `vasotype stability --simulated`: what it shows to be unstable, "
            "or does not list, is left out of the fit."
        ),
    ] = None,
    least_icc: Annotated[
        float, typer.Option(min=0, max=1, help="Least ICC(2,1) there; 0.75 is called good.")
    ] = LEAST_ICC,
    keep: Annotated[
        Path | None, typer.Option(help="Write the fit here (JSON), for later tables.")
    ] = None,
    fit: Annotated[
        Path | None, typer.Option(help="Apply this kept fit instead of making one.")
    ] = None,
) -> None:
    """Take scanner effects out of biomarkers with ComBat, while biology stays.

    Fit on training sites and keep the fit; apply it to test rows of those sites unchanged. A site
    that the fit did not see is refused: nothing is known of its scanner. Harmonise only biomarkers
    that are stable in themselves (`--stability`), and name what differs between the sites'
    patients, or it is taken out as well. Rows with a missing number, or a word that the fit did
    not see, stay as they are; the column `harmonised` says which.
    Needs `pip install "vasotype[train]"`.

    Examples:

    - `vasotype harmonise lesions.tsv -o even.tsv -f rcbv_mean -f enhancement_mean -c age
      --category primary --training-site A --training-site B --stability test-retest/stability.md
      --keep combat.json`
    - `vasotype harmonise new.tsv -o new-even.tsv -f rcbv_mean --fit combat.json`
    """
    if output.exists():
        raise StudyError("output-exists", f"{output.name}: it is there already")
    with needs_extra("train", "harmonise"):
        from vasotype_training.harmonise import (
            Columns,
            apply_rows,
            fit_rows,
            read_combat,
            read_rows,
            stable_features,
            write_rows,
        )

        rows = read_rows(table)
        if fit is None:
            features = tuple(feature)
            if stability is not None:
                features = stable_features(features, stability, least_icc)
            columns = Columns(site, features, tuple(covariate or ()), tuple(category or ()))
            combat = fit_rows(rows, columns, training_site or ())
            _tell("not stable", set(feature) - set(features))
        else:
            combat = read_combat(fit)
            columns = Columns.of(combat, site)
            if set(feature) != set(combat.features):
                raise StudyError("harmonise-table", f"{fit.name} is of {list(combat.features)}")
        known = [row for row in rows if row.get(site) in combat.sites]
        if fit is None:
            _tell("not a training site", {row[site] for row in rows} - set(combat.sites))
        harmonised = apply_rows(known if fit is None else rows, columns, combat)
        write_rows(harmonised, output)
        if keep is not None:
            keep.write_text(combat.model_dump_json(indent=1) + "\n", encoding="utf-8")
    changed = sum(row["harmonised"] == "true" for row in harmonised)
    typer.echo(f"{changed} of {len(harmonised)} rows harmonised over {len(combat.sites)} sites")


def _tell(why: str, left_out: set[str]) -> None:
    if left_out:
        typer.echo(f"left out, {why}: {', '.join(sorted(left_out))}", err=True)
