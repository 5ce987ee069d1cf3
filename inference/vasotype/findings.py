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
    "Check the path.",
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
    "No other sequence can be aligned with the reference.",
    "Register the sequences to the contrast-enhanced T1, or convert all of them from DICOM again.",
)
_entry(
    "registration-failed",
    Severity.WARNING,
    "A sequence could not be aligned with the others and was left out.",
    "Look at it beside the others: another patient, another body part or strong motion? Or "
    "register it by hand first.",
)
_entry(
    "sequence-moved",
    Severity.NOTE,
    "A sequence lay elsewhere by its header, and was aligned by what it shows.",
    "Check the pictures: the outlines should agree in all sequences.",
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
    "Perfusion or PET maps are missing; the model worked without them.",
    "Give those that exist: --rcbv, --ktrans, --tbr.",
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
_entry(
    "calibration-invalid",
    Severity.REFUSE,
    "The calibration file is missing, or it is none.",
    "Give a file that `vasotype recalibrate` wrote.",
)
_entry(
    "harmonise-table",
    Severity.REFUSE,
    "The table can't be harmonised as it is.",
    "Give a TSV with the named columns, numbers in them, and at least three rows a site.",
)
_entry(
    "site-lesions",
    Severity.REFUSE,
    "There are too few labelled lesions to calibrate anything on.",
    "Label at least 30 lesions of each mode, 5 mm and more, from five patients or more.",
)
_entry(
    "perfusion-input",
    Severity.REFUSE,
    "The options of the perfusion command don't go together.",
    "Give one series: --dsc FILE or --dce FILE; --vfa belongs to --dce.",
)
_entry(
    "series-not-4d",
    Severity.REFUSE,
    "A dynamic series isn't a 4-D image.",
    "Give the whole series as one NIfTI; converters may have split it into volumes.",
)
_entry(
    "sidecar-missing",
    Severity.REFUSE,
    "The JSON sidecar of a series is missing or can't be read.",
    "Keep the .json that the DICOM converter writes, beside the image and with the same name.",
)
_entry(
    "series-parameter",
    Severity.REFUSE,
    "A value that the analysis needs is not in the sidecar, or can't be right.",
    "Add the BIDS key that is named; times are in seconds, angles in degrees.",
)
_entry(
    "series-times",
    Severity.REFUSE,
    "The times of a series' volumes are missing, or not in order.",
    "Add FrameTimesStart (s, one a volume, increasing); if volumes are out of order, sort them.",
)
_entry(
    "series-too-short",
    Severity.REFUSE,
    "The series has too few volumes.",
    "DSC needs at least 20 volumes, DCE at least 10; give the whole series.",
)
_entry(
    "series-shuffled",
    Severity.REFUSE,
    "The volumes of a series seem to be out of order.",
    "Convert the series from DICOM again, sorted by acquisition time.",
)
_entry(
    "no-bolus",
    Severity.REFUSE,
    "The series shows no passage of contrast agent.",
    "Check that contrast was given, and that the series covers its arrival.",
)
_entry(
    "baseline-too-short",
    Severity.REFUSE,
    "The contrast arrives before there is a baseline.",
    "At least 3 volumes before contrast are needed; the first volume doesn't count.",
)
_entry(
    "perfusion-grid",
    Severity.REFUSE,
    "A mask or image doesn't lie on the grid of the dynamic series.",
    "Resample it to the series (masks with nearest-neighbour interpolation).",
)
_entry(
    "perfusion-mask",
    Severity.REFUSE,
    "The brain mask is empty, or of another shape than the series.",
    "Give a mask of the brain on the grid of the series.",
)
_entry(
    "perfusion-reference",
    Severity.REFUSE,
    "There is no usable normal tissue to which blood volume could be relative.",
    "Look at the masks: both must cover normal brain that the series images.",
)
_entry(
    "vfa-unusable",
    Severity.REFUSE,
    "The flip-angle images don't give T1.",
    "Give two or more images of different flip angles and one repetition time, or none.",
)
_entry(
    "aif-table",
    Severity.REFUSE,
    "The table of the arterial input can't be read.",
    "Tab-separated, in order of time: time_s and plasma_mM, blood_mM or delta_r2star_per_s.",
)
_entry(
    "aif-kind",
    Severity.REFUSE,
    "The arterial input is of a kind that this analysis can't use.",
    "DCE needs a concentration: a column plasma_mM or blood_mM.",
)
_entry(
    "aif-not-found",
    Severity.REFUSE,
    "No artery was found, or the artery mask misses the brain.",
    "Give the arterial input by --aif: a table, or a mask of vessel voxels.",
)
_entry(
    "aif-saturated",
    Severity.REFUSE,
    "The arterial signal is saturated: its peak is lost.",
    "Choose other vessel voxels, further from the centre of large arteries.",
)
_entry(
    "no-flow",
    Severity.WARNING,
    "No arterial input was found in the DSC series; blood flow isn't given.",
    "Blood volume doesn't need it. Give the input by --aif for flow.",
)
_entry(
    "no-reference-tissue",
    Severity.WARNING,
    "There is no normal white matter to which blood volume could be relative.",
    "The ratios are to all normal brain, which holds more blood: don't apply published limits.",
)
_entry(
    "leakage-reference-found",
    Severity.NOTE,
    "Normal brain for the leakage correction was found in the series itself.",
    "Name the lesions to leave out by --lesions.",
)
_entry(
    "t1-assumed",
    Severity.WARNING,
    "T1 before contrast was assumed, not measured.",
    "Ktrans, ve and vp are less exact; flip-angle images measure it (--vfa).",
)
_entry(
    "aif-population",
    Severity.NOTE,
    "A population average stands for the patient's arterial input.",
    "A measured one can be given by --aif.",
)
_entry(
    "brain-mask-assumed",
    Severity.NOTE,
    "No brain mask was given; bright voxels of the series were taken as brain.",
    "Right for skull-stripped series only; otherwise give --mask.",
)
_entry(
    "unreadable-archive",
    Severity.REFUSE,
    "A zip archive or a file in it can't be read.",
    "Copy the archive again, or unpack it and give the folder.",
)
_entry(
    "archive-refused",
    Severity.REFUSE,
    "An archive or folder is larger than a study, encrypted, or unsafe to read.",
    "Unpack it by hand where you trust it, and give the folder of one study.",
)
_entry(
    "no-mr",
    Severity.REFUSE,
    "No MR image was found.",
    "Give the folder or zip archive that holds the MR series of one examination.",
)
_entry(
    "several-patients",
    Severity.REFUSE,
    "The images belong to more than one patient.",
    "Give one patient's examination at a time; vasotype batch takes a folder of them.",
)
_entry(
    "several-visits",
    Severity.REFUSE,
    "The images were acquired on more than one day.",
    "Give one examination at a time; vasotype batch takes a folder of them.",
)
_entry(
    "series-unknown",
    Severity.REFUSE,
    "The series that was named isn't there, or isn't the only one.",
    "vasotype identify FOLDER lists the series with their numbers.",
)
_entry(
    "unsupported-compression",
    Severity.REFUSE,
    "The pixels are compressed in a way that can't be decoded.",
    "Decompress the files first, e.g. with dcmdjpeg of DCMTK.",
)
_entry(
    "image-size",
    Severity.REFUSE,
    "An image has no pixels, or more than any head scan.",
    "Export the series again from the archive.",
)
_entry(
    "uneven-slices",
    Severity.REFUSE,
    "Slices of a series are missing, or don't lie evenly.",
    "Export the whole series again; leave out slices of other acquisitions.",
)
_entry(
    "duplicate-slices",
    Severity.REFUSE,
    "Several slices of a series lie in one place.",
    "Remove copies, or give the acquisitions of the series apart.",
)
_entry(
    "mixed-orientations",
    Severity.REFUSE,
    "A series mixes images of several orientations.",
    "Give the orientations apart; a localiser makes no volume.",
)
_entry(
    "series-unusable",
    Severity.WARNING,
    "A series was recognised but makes no volume.",
    "Export it again from the archive, or go on without it.",
)
_entry(
    "dicom-duplicate-uid",
    Severity.WARNING,
    "Two files carry one identifier and hold different images.",
    "Check which is right; the first by name was read.",
)
_entry(
    "lossy-compression",
    Severity.WARNING,
    "An image was compressed with loss.",
    "Prefer the uncompressed original; small lesions suffer first.",
)
_entry(
    "contrast-conflict",
    Severity.WARNING,
    "Header and image disagree on whether contrast was given.",
    "Look at the images, and name the series by --t1 and --t1c.",
)
_entry(
    "contrast-uncertain",
    Severity.WARNING,
    "Whether a T1 was taken after contrast isn't certain.",
    "Look at the image, and name the series by --t1 or --t1c.",
)
_entry(
    "series-chosen",
    Severity.NOTE,
    "Several series would do for one sequence; one was chosen.",
    "Another is taken by its flag, e.g. --t1c 7 with its number from vasotype identify.",
)
_entry(
    "acquired-after-contrast",
    Severity.NOTE,
    "A FLAIR or T2 was acquired after contrast.",
    "Enhancing lesions can look brighter on it than without contrast.",
)
_entry(
    "not-a-study",
    Severity.REFUSE,
    "A single file was given where a study is expected.",
    "Give the study's folder or zip archive; single files are given by --t1c, --flair and the "
    "like.",
)
_entry(
    "folder-of-studies",
    Severity.REFUSE,
    "The folder holds studies in folders of their own, and none itself.",
    "Give one of those folders, or analyse all of them with vasotype batch.",
)
_entry(
    "symptomatic-unknown",
    Severity.REFUSE,
    "The lesion that was named as the symptomatic one isn't there.",
    "Run once without --symptomatic; the report and lesions.tsv show the numbers.",
)
_entry(
    "pathology-table",
    Severity.REFUSE,
    "The table of pathology can't be read or doesn't fit the lesions.",
    "Tab-separated, one row a lesion: lesion, growth_pattern, cd34, cd31, pas, mode, reader; "
    "mode is angiogenic, intermediate or co_option; lesion is the number in lesions.tsv.",
)

_entry(
    "series-not-used",
    Severity.NOTE,
    "A dynamic series was not analysed, as its map was given.",
    "To have it analysed, leave the map out.",
)
_entry(
    "series-left-out",
    Severity.WARNING,
    "A dynamic series that was found in the study can't be read.",
    "Mend what the message names, or go on without perfusion.",
)
_entry(
    "series-misplaced",
    Severity.REFUSE,
    "A dynamic series shows the brain elsewhere than the reference sequence.",
    "Check that both belong to one examination, or register the series first.",
)
_entry(
    "perfusion-failed",
    Severity.WARNING,
    "A dynamic series can't be analysed; its values are missing.",
    "See the message; vasotype perfusion analyses the series alone.",
)
_entry(
    "rcbv-not-normalised",
    Severity.WARNING,
    "No normal white matter was found, so rCBV could not be made relative to it.",
    "Give T1 images without skull; read rCBV with caution.",
)
_entry(
    "timepoints-differ",
    Severity.REFUSE,
    "Two examinations can't be laid over each other.",
    "Check that they are of one patient and show the whole brain.",
)
_entry(
    "timepoints-overlap",
    Severity.WARNING,
    "After alignment the brains of two examinations overlap less than one brain should, or two "
    "alignments differ.",
    "Look at the pictures: another patient, an operation, a partly imaged brain, or a failed "
    "alignment.",
)
_entry(
    "timepoints-sequences",
    Severity.WARNING,
    "Two examinations don't hold the same sequences.",
    "A leaning may change for that reason alone; compare only what rests on the same sequences.",
)
_entry(
    "timepoints-slices",
    Severity.WARNING,
    "Two examinations were acquired with different slices.",
    "Sizes and borders of small lesions can't be compared well.",
)
_entry(
    "timepoints-options",
    Severity.REFUSE,
    "The options of the follow-up don't go together.",
    "Give the baseline and at least one follow-up, and --days once for each follow-up.",
)
_entry(
    "motion-suspected",
    Severity.WARNING,
    "A sequence shows signs of motion.",
    "Look at it: small lesions blur or double. Repeat the sequence where that is possible.",
)
_entry(
    "low-signal",
    Severity.WARNING,
    "An image is noisier than those that the model was made for.",
    "Small and faint lesions can drown in noise; more signal or thicker slices would help.",
)
_entry(
    "protocol-deviation",
    Severity.NOTE,
    "The acquisition falls short of the consensus protocol for brain metastases.",
    "vasotype check prints each requirement with what was found.",
)

_entry(
    "clinical-invalid",
    Severity.REFUSE,
    "The file with clinical facts can't be read or holds impossible values.",
    "See the message, and vasotype schema clinical.",
)
_entry(
    "clinical-no-row",
    Severity.REFUSE,
    "A table of clinical facts has no single row for this study.",
    "Name the patient in participant_id as the study is named, or give a file with one row.",
)
_entry(
    "clinical-found",
    Severity.NOTE,
    "Clinical facts were taken from the data set's participants.tsv.",
    "To use others, name a file with --clinical.",
)
_entry(
    "clinical-left-out",
    Severity.WARNING,
    "The data set's participants.tsv can't be used; treatment is taken as not known.",
    "Mend the table, or name a file with --clinical.",
)
_entry(
    "resection-cavity",
    Severity.WARNING,
    "The core of a lesion is fluid, as in a resection cavity.",
    "Compare with the scan after surgery before the rim is called a new lesion.",
)
_entry(
    "reference-not-dicom",
    Severity.REFUSE,
    "The reference for DICOM results is not a DICOM series.",
    "Give --reference a folder, archive or .dcm file that holds one series.",
)
_entry(
    "reference-mismatch",
    Severity.REFUSE,
    "The DICOM series given as reference doesn't show the image that was analysed, or not there.",
    "Give the series that the image was converted from; a copy moved to an atlas won't do.",
)
_entry(
    "dicom-no-frame-of-reference",
    Severity.WARNING,
    "The DICOM source says nothing of its frame of reference, so no outlines can refer to it.",
    "Use the NIfTI results, or restore FrameOfReferenceUID in the source.",
)
_entry(
    "dicom-object-failed",
    Severity.WARNING,
    "A DICOM result could not be made from the header of its source.",
    "All other results hold. Repair the source's header to get this one too.",
)
_entry(
    "no-brain",
    Severity.REFUSE,
    "No brain is to be seen in an image.",
    "Check that it shows a head; a brain without skull is taken as it is.",
)
_entry(
    "brain-mask-shape",
    Severity.WARNING,
    "The brain mask does not have the shape of a brain.",
    "Look at its outline in the pictures; or give images without skull.",
)
_entry(
    "brain-mask-incomplete",
    Severity.WARNING,
    "The brain mask lacks a part that the other side of the brain has.",
    "Look at its outline there: a lesion at the surface may have been left out.",
)
_entry(
    "brain-mask-uncertain",
    Severity.WARNING,
    "The brain's outline was hard to tell.",
    "Look at its outline in the pictures; noise, motion and strong shading make it doubtful.",
)
_entry(
    "brain-cut-off",
    Severity.WARNING,
    "The image ends inside the brain.",
    "Lesions beyond its edge are not seen; compare with a sequence that covers the whole brain.",
)
_entry(
    "sequence-guessed",
    Severity.WARNING,
    "A file's name follows no convention; its sequence was told by words, sidecar or intensities.",
    "Check that it is what it was taken for; name it by its flag otherwise, e.g. --t1c FILE.",
)
_entry(
    "name-withheld",
    Severity.NOTE,
    "The folder's name holds the patient's name or identifier, which results don't repeat.",
    "Name the study yourself with --name where the results may tell.",
)
_entry(
    "no-pathology",
    Severity.REFUSE,
    "No result holds a vascular mode from pathology.",
    "Give the table of each study when it is analysed: vasotype run --pathology FILE.",
)

_entry(
    "series-moved",
    Severity.NOTE,
    "A dynamic series lay elsewhere than the structural sequences and was registered to them.",
    "Check in the pictures that both show the same places.",
)
_entry(
    "series-not-aligned",
    Severity.WARNING,
    "A dynamic series seems to lie elsewhere than the structural sequences.",
    "Register the series first; perfusion values of small lesions may be those of other tissue.",
)
_entry(
    "series-split",
    Severity.WARNING,
    "The slices of a series contradict each other and fall into several stacks; one was taken.",
    "Look at the coverage on the pictures; export the series again where slices are missing.",
)
_entry(
    "voxel-size-doubt",
    Severity.WARNING,
    "A header gives two voxel sizes.",
    "Check the lengths on the pictures; converting from DICOM again sets both.",
)
_entry(
    "peer-invalid",
    Severity.REFUSE,
    "A peer is not written AET@HOST:PORT, or its host is unknown.",
    "Give its DICOM title, host and port, e.g. --peer PACS@10.0.0.5:104.",
)
_entry(
    "port-taken",
    Severity.REFUSE,
    "The listener can't have the address or port it was given.",
    "Choose another with --port or --bind; ports below 1024 need a privilege.",
)
