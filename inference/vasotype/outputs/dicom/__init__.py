"""DICOM results beside the series that the study came from.

Heavy imports (highdicom, reportlab) happen here; the package is imported where a study has DICOM
sources, and nowhere else.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from pydicom.dataset import Dataset

from vasotype.findings import Finding
from vasotype.outputs.dicom.case import DicomCase
from vasotype.outputs.dicom.document import encapsulated
from vasotype.outputs.dicom.key_images import key_images
from vasotype.outputs.dicom.measured import measure
from vasotype.outputs.dicom.measurements import measurement_report
from vasotype.outputs.dicom.pdf import report_pdf
from vasotype.outputs.dicom.segmentations import lesion_segmentation, tissue_segmentation
from vasotype.outputs.dicom.structures import structure_set
from vasotype.outputs.folder import OutputOptions
from vasotype.study.dicom.reference import DicomSource
from vasotype.study.dicom.tolerance import tolerant_reading

if TYPE_CHECKING:
    from vasotype.pipeline import Analysis

__all__ = ["write_dicom"]

log = logging.getLogger(__name__)


@tolerant_reading()
def write_dicom(
    analysis: Analysis, source: DicomSource, folder: Path, options: OutputOptions
) -> tuple[Finding, ...]:
    """Write all DICOM objects of a result into ``folder``, which is made; what failed is told.

    A study without lesions has measurements and a report, but nothing to outline or to point at.
    The PDF comes with the report.
    """
    folder.mkdir()
    case = DicomCase.of(analysis, source, options)
    writer = _Writer(case, folder)
    measured = measure(case)
    lesions = None
    if not case.frame_of_reference:
        message = "the reference series has no frame of reference; there are no outlines in DICOM"
        writer.findings.append(Finding("dicom-no-frame-of-reference", message))
    elif measured:
        writer.write("tissues-seg", lambda: tissue_segmentation(case, options.seg))
        lesions = writer.write("lesions-seg", lambda: lesion_segmentation(case, options.seg))
        writer.write("lesions-rtstruct", lambda: structure_set(case))
    writer.write(
        "measurements-sr",
        lambda: measurement_report(case, measured, lesions, options.sr_phenotype),
    )
    if measured:
        writer.write("key-images-ko", lambda: key_images(case, measured))
    if options.report:
        writer.write("report-pdf", lambda: encapsulated(case, report_pdf(case.analysis)))
    return tuple(writer.findings)


@dataclass(frozen=True)
class _Writer:
    """Makes and saves objects one by one; a failure costs one object, not the analysis."""

    case: DicomCase
    folder: Path
    findings: list[Finding] = field(default_factory=list)

    def write(self, name: str, make: Callable[[], Dataset]) -> Dataset | None:
        """The object, saved as ``NAME.dcm``, or None where its source header made it impossible."""
        try:
            made = make()
            self.case.identity.stamp(made)
            made.save_as(self.folder / f"{name}.dcm", enforce_file_format=True)
        except OSError:
            raise
        except Exception as error:  # headers are odd in more ways than a check can list
            log.debug("traceback", exc_info=error)
            message = f"{name}: not written, the source's header led to {type(error).__name__}"
            self.findings.append(Finding("dicom-object-failed", message))
            return None
        return made
