"""What the review discusses for each leaning (WF-04), in our words: the same in every report.

Nothing here looks at a result. The three arms stand side by side in the fixed order of the modes;
the package never picks one.
"""

from __future__ import annotations

from dataclasses import dataclass

SOURCE = (
    "Liu S. et al., Mechanisms, Imaging Phenotypes, and Therapeutic Advances of "
    "Neovascularization in Brain Metastases; § gives its section"
)
PREFACE = (
    "Shown because it was asked for. It is the same text in every report: it was not chosen by "
    "what was found in this study, the order means nothing, and no treatment follows from it. "
    "Treatment is for the multidisciplinary team to decide."
)


@dataclass(frozen=True)
class Arm:
    """What is discussed for one leaning, and where."""

    title: str
    sections: str
    text: str


ARMS = (
    Arm(
        "Angiogenic-dominant",
        "§3.4, 4.1, 5.2",
        "Anti-VEGF agents are discussed as a background that may help radiotherapy or immune "
        "checkpoint inhibition while vessels are normalised. That period is brief, differs "
        "between patients, and can't be dated from this report.",
    ),
    Arm(
        "Intermediate or mixed",
        "§3.4, 5.2",
        "Several mechanisms may act at once; planning that combines approaches from the start is "
        "discussed.",
    ),
    Arm(
        "Leaning to vessel co-option",
        "§3.4, 4, 5.2",
        "Local treatment (radiosurgery, fractionated stereotactic radiotherapy, surgery) together "
        "with systemic treatment that acts elsewhere than on VEGF is discussed; anti-VEGF agents "
        "against edema only, or within trials.",
    ),
)
COMMON = (
    "For all three: anti-VEGF agents have eased symptoms, without a consistent gain in length of "
    "life, and adding one to osimertinib is not supported (§4). None of this has been tested with "
    "leanings read from MRI."
)
