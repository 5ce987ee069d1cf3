"""Findings: what a reader of a result should know, each with a stable code and a remedy."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """How far a finding reaches."""

    REFUSE = "refuse"
    WARNING = "warning"
    NOTE = "note"


@dataclass(frozen=True)
class Kind:
    """Catalogue entry of one finding code."""

    severity: Severity
    meaning: str
    remedy: str


CATALOGUE: dict[str, Kind] = {}
"""Every finding the package can make; the docs list is generated from it."""


@dataclass(frozen=True)
class Finding:
    """One finding about one study."""

    code: str
    message: str

    @property
    def severity(self) -> Severity:
        """Severity by the catalogue."""
        return CATALOGUE[self.code].severity

    @property
    def remedy(self) -> str:
        """What the user can do about it."""
        return CATALOGUE[self.code].remedy


class StudyError(Exception):
    """The input can't give a right answer; the message names the file, the rule and the remedy.

    ``code`` is a catalogue code of severity ``refuse``.
    """

    def __init__(self, code: str, message: str) -> None:
        self.code = code
        super().__init__(message)


def _entry(code: str, severity: Severity, meaning: str, remedy: str) -> None:
    CATALOGUE[code] = Kind(severity, meaning, remedy)


_entry(
    "cuda-unavailable",
    Severity.REFUSE,
    "CUDA was asked for and onnxruntime can't use it here.",
    "Both onnxruntime wheels own one folder, so swap them: pip uninstall onnxruntime; "
    "pip install onnxruntime-gpu. Or run with --device cpu.",
)
_entry(
    "cuda-not-used",
    Severity.NOTE,
    "An NVIDIA GPU seems to be there, but the analysis ran on the CPU.",
    "For speed only: pip uninstall onnxruntime; pip install onnxruntime-gpu.",
)
_entry(
    "model-unknown",
    Severity.REFUSE,
    "No model has this name, and no folder of this name holds a contract.json.",
    "vasotype models lists the models; or give a folder that holds contract.json and model.onnx.",
)
_entry(
    "model-damaged",
    Severity.REFUSE,
    "The model's files are incomplete, altered, or not of a kind this version runs.",
    "Install the model again; vasotype models verify says what is wrong.",
)
_entry(
    "output-exists",
    Severity.REFUSE,
    "The output folder already holds something.",
    "Choose another folder, or give --overwrite to replace earlier results of the same study.",
)
_entry(
    "output-other-study",
    Severity.REFUSE,
    "The output folder holds results of another study.",
    "Choose another folder; results of another study are never replaced.",
)
_entry(
    "output-foreign",
    Severity.REFUSE,
    "The output folder holds files that vasotype did not write.",
    "Choose another folder; files of others are never deleted.",
)
_entry(
    "output-unwritable",
    Severity.REFUSE,
    "The output folder can't be made or replaced.",
    "Choose a folder whose parent is writable; of a mounted volume, give a subfolder.",
)
_entry(
    "no-lesion",
    Severity.NOTE,
    "No tumor core was found.",
    "Lesions of a few millimetres can be missed; this does not exclude metastases.",
)
_entry(
    "edema-without-core",
    Severity.NOTE,
    "Edema-like signal lies apart from every tumor core and belongs to no lesion.",
    "Look at it on FLAIR: white matter disease, gliosis and non-enhancing tumor look alike.",
)
_entry(
    "lesion-below-resolution",
    Severity.NOTE,
    "A lesion is smaller than a voxel of the reference sequence.",
    "Its numbers are those of a single voxel; thinner slices would measure it.",
)
_entry(
    "no-input",
    Severity.REFUSE,
    "Neither a study folder nor a sequence was given.",
    "Give the study's folder, or its files with --t1c, --flair and the like.",
)
_entry(
    "extra-missing",
    Severity.REFUSE,
    "The command needs packages that the plain installation leaves out.",
    "Install the extra that the message names, e.g. pip install 'vasotype[train]'.",
)
_entry(
    "file-access",
    Severity.REFUSE,
    "A file or folder can't be read or written.",
    "Check that it exists, that you may use it, and that the disk isn't full.",
)
_entry(
    "cohort-empty",
    Severity.REFUSE,
    "No folder of the cohort holds a study.",
    "Give the folder above the studies; the documentation says how files are named.",
)
_entry(
    "cohort-names",
    Severity.REFUSE,
    "Two studies of the cohort would share one result folder.",
    "Rename one of the study folders.",
)
_entry(
    "scheduler-unreachable",
    Severity.REFUSE,
    "No Dask scheduler answers at this address.",
    "Check the address (tcp://HOST:PORT) and that the scheduler runs; or leave --scheduler out.",
)
_entry(
    "worker-died",
    Severity.REFUSE,
    "The process that analysed a study of the batch died, also when it ran alone.",
    "Most often memory: free some or use a larger machine, and give the same command again.",
)
_entry(
    "internal-error",
    Severity.REFUSE,
    "Something unexpected happened; this is a bug of vasotype.",
    "Please report it to the developers with what `vasotype --debug ...` prints for it.",
)
_entry(
    "truth-missing",
    Severity.REFUSE,
    "The case carries no reference labels, or more than one set of them.",
    "Give each case one folder with CASE_seg.nii.gz, CASE-seg.nii.gz or truth/segmentation.nii.gz.",
)
_entry(
    "truth-pseudo",
    Severity.REFUSE,
    "The labels were made by an algorithm or lack the tissues that a reference needs.",
    "Leave the case out; such labels are neither trained on nor scored against.",
)
_entry(
    "truth-scheme-unknown",
    Severity.REFUSE,
    "What the label values mean is stated nowhere, and it is never guessed from the values.",
    "Put a case.json with a label_map beside the labels, or give --labels.",
)
_entry(
    "truth-values",
    Severity.REFUSE,
    "The reference labels hold values that their scheme does not know.",
    "Check the scheme; values to ignore are named as background in the label map.",
)
_entry(
    "truth-grid",
    Severity.REFUSE,
    "The reference labels do not lie on the grid of the study's T1c (or FLAIR).",
    "Resample the labels to that sequence with nearest-neighbour interpolation.",
)
_entry(
    "truth-table",
    Severity.REFUSE,
    "The table of lesions (truth/lesions.tsv) can't be read or does not fit the instances.",
    "Columns are id, mode, mimicry, source; an empty cell means unknown; ids are those of "
    "truth/instances.nii.gz.",
)
_entry(
    "config-invalid",
    Severity.REFUSE,
    "A configuration file has an unknown key or a value that is not allowed.",
    "The message names the key; the documentation shows a complete configuration.",
)

_entry(
    "file-missing",
    Severity.REFUSE,
    "A file or folder that was named isn't there.",
    "Check the path; a folder must hold the study's NIfTI files.",
)
_entry(
    "unreadable-image",
    Severity.REFUSE,
    "A file is no NIfTI image of grey values, or is cut short.",
    "Copy or convert the file again; .nii, .nii.gz and .nii.bz2 are read.",
)
_entry(
    "ambiguous-sequence",
    Severity.REFUSE,
    "Two files of the folder name the same sequence.",
    "Name the right one by its flag, e.g. --t1c FILE, or leave one file per sequence.",
)
_entry(
    "unknown-channel",
    Severity.REFUSE,
    "A file was given for a sequence that the model doesn't know.",
    "Use t1, t1c, t2, flair, rcbv, ktrans or tbr.",
)
_entry(
    "no-t1c-or-flair",
    Severity.REFUSE,
    "Neither a contrast-enhanced T1 nor a FLAIR image is there.",
    "Add one of them; files with unusual names are given by --t1c FILE or --flair FILE.",
)
_entry(
    "not-three-dimensional",
    Severity.REFUSE,
    "A sequence isn't one 3-D volume.",
    "Give one volume of a series; dynamic series go to the perfusion command.",
)
_entry(
    "too-few-slices",
    Severity.REFUSE,
    "An image has fewer than 10 slices.",
    "Give the whole volume; localisers and single slices can't be read.",
)
_entry(
    "bad-affine",
    Severity.REFUSE,
    "The header doesn't say where the voxels lie.",
    "Convert the images from DICOM again.",
)
_entry(
    "sheared-affine",
    Severity.REFUSE,
    "The voxel axes of an image aren't at right angles.",
    "Reslice the image to a rectangular grid, or convert it from DICOM again.",
)
_entry(
    "affine-straightened",
    Severity.NOTE,
    "The voxel axes were slightly off a right angle and were straightened.",
    "Positions move by 1 mm at most.",
)
_entry(
    "implausible-spacing",
    Severity.REFUSE,
    "By its header an image is not of the size of a head.",
    "Correct the voxel size in the header (in mm), or convert from DICOM again.",
)
_entry(
    "no-orientation",
    Severity.WARNING,
    "The header doesn't say which side is left.",
    "Check the side on the pictures; converting from DICOM keeps the orientation.",
)
_entry(
    "left-right-doubt",
    Severity.WARNING,
    "The two orientations in a header contradict each other.",
    "Check the side on the pictures, and set qform and sform equal.",
)
_entry(
    "non-finite-voxels",
    Severity.REFUSE,
    "Too many voxels hold no number.",
    "Repair the step that made the image; outside the brain write 0.",
)
_entry(
    "non-finite-zeroed",
    Severity.NOTE,
    "Voxels without a number were read as 0.",
    "Harmless outside the brain; inside, look at the step that made the image.",
)
_entry(
    "empty-image",
    Severity.REFUSE,
    "All voxels of an image are equal.",
    "Copy or convert the file again.",
)
_entry(
    "label-map",
    Severity.REFUSE,
    "A label map was given in place of an image.",
    "Give the MR image of this sequence.",
)
_entry(
    "not-mr",
    Severity.REFUSE,
    "An image holds values of CT, not of MR.",
    "Give MR sequences; CT can't be read.",
)
_entry(
    "grids-disagree",
    Severity.REFUSE,
    "By their headers two sequences don't show the brain in the same place.",
    "Register the sequences to the contrast-enhanced T1, or convert all of them from DICOM again.",
)
_entry(
    "same-image",
    Severity.WARNING,
    "Two sequences hold the same image.",
    "Check that no file was copied under two names; leave out the one that is missing.",
)
_entry(
    "channel-name-doubt",
    Severity.WARNING,
    "A file was given for one sequence, but its name says another.",
    "Check the sequence flags.",
)
_entry(
    "mixed-names",
    Severity.WARNING,
    "The files of the folder carry different case names.",
    "Check that all belong to one patient and one visit.",
)
_entry(
    "image-not-used",
    Severity.NOTE,
    "An image of the folder was not used.",
    "If it is a sequence of the study, name it by its flag, e.g. --flair FILE.",
)
_entry(
    "sequence-missing",
    Severity.NOTE,
    "A structural sequence is missing; the model worked without it.",
    "T1c and FLAIR matter most; without either no vascular mode is given.",
)
_entry(
    "map-missing",
    Severity.NOTE,
    "A perfusion or PET map is missing; the model worked without it.",
    "Give it where it exists: --rcbv, --ktrans or --tbr.",
)
_entry(
    "thick-slices",
    Severity.WARNING,
    "Slices are thicker than 3 mm.",
    "Small lesions can be missed and sizes are less exact; prefer a 3-D acquisition.",
)
_entry(
    "not-skull-stripped",
    Severity.WARNING,
    "The images show the whole head; the model was made for brains without skull.",
    "Extract the brain first; bright fat and vessels outside it can be taken for lesions.",
)
_entry(
    "implausible-brain-volume",
    Severity.WARNING,
    "The brain mask has an unusual size.",
    "Look at the mask: skull may be left on, or part of the brain cut away or not imaged.",
)
_entry(
    "partial-coverage",
    Severity.WARNING,
    "A sequence shows only part of the brain.",
    "Outside it the answer rests on the other sequences.",
)
_entry(
    "no-visible-contrast",
    Severity.WARNING,
    "The contrast-enhanced T1 shows no enhancement, not even of vessels.",
    "Check that it was taken after contrast and that the T1 files aren't swapped.",
)
_entry(
    "implausible-map",
    Severity.WARNING,
    "A quantitative map holds values that can't be.",
    "Check the map's unit: rCBV and TBR are ratios to normal tissue, Ktrans is per minute.",
)
_entry(
    "labels-option",
    Severity.REFUSE,
    "The label scheme on the command line can't be read.",
    "Write it as --labels NETC=1,SNFH=2,ET=3 with the values of your files.",
)
_entry(
    "figures-incomparable",
    Severity.REFUSE,
    "The recorded figures are of another model or other data, or the file holds none.",
    "Give the figures.json of an evaluation of the same model on the same cohorts.",
)
