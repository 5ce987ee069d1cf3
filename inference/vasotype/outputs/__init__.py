"""One writer a format, and the folder they write into."""

from __future__ import annotations

import logging
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from vasotype.outputs.folder import OutputOptions, refuse_occupied, replaced
from vasotype.outputs.nifti import write_habitats, write_label_maps, write_probabilities
from vasotype.outputs.record import with_findings, write_record
from vasotype.outputs.table import write_table
from vasotype.perfusion.write import write_perfusion
from vasotype.radiomics.table import write_radiomics

if TYPE_CHECKING:
    from vasotype.pipeline import Analysis

__all__ = ["OutputOptions", "refuse_occupied", "write_outputs"]

DEFAULTS = OutputOptions()

log = logging.getLogger(__name__)


def write_outputs(analysis: Analysis, folder: Path, options: OutputOptions = DEFAULTS) -> None:
    """Write all results of a study into a folder: all of them, or none.

    They are written beside the folder and moved into its place at the end. Raises StudyError as
    :func:`refuse_occupied` does, and ``output-unwritable``.
    """
    refuse_occupied(folder, analysis.result.study, options.overwrite)
    log.info("write")
    start = time.perf_counter()
    with replaced(folder) as fresh:
        write_label_maps(analysis, fresh)
        write_habitats(analysis, fresh)
        if options.probabilities:
            write_probabilities(analysis, fresh)
        write_perfusion(analysis.perfusion, fresh / "perfusion")
        write_table(analysis.result, fresh / "lesions.tsv")
        if options.radiomics:
            write_radiomics(analysis.prepared, analysis.lesions, fresh / "radiomics.tsv")
        source = analysis.prepared.native.source
        if source is not None:
            from vasotype.outputs.dicom import write_dicom  # highdicom, only where wanted

            findings = write_dicom(analysis, source, fresh / "dicom", options)
            result = with_findings(analysis.result, findings)
            analysis = replace(analysis, result=result)
        if options.report:
            from vasotype.outputs.report import (
                write_report,  # pillow, contourpy and jinja2, only where wanted
            )

            write_report(analysis, fresh / "report.html", considerations=options.considerations)
        write_record(analysis.result, time.perf_counter() - start, fresh / "result.json")
