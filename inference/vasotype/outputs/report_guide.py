"""How to read a report: the sentences that no report goes without."""

from __future__ import annotations

from collections.abc import Sequence

from vasotype.outputs.report_words import sequences


def guide(used: Sequence[str], missing: Sequence[str]) -> list[str]:
    """Sentences for a study read from the channels ``used``, without those ``missing``."""
    absent = f" Not available: {sequences(missing)}; nothing was filled in for them."
    return [
        "This report serves research. It is no medical device, and no clinical decision may rest "
        "on it.",
        "A mode is an imaging leaning, not an observation of vessels. The model learned mostly "
        "from simulated lesions; no lesions with a vascular mode proven by histology were used.",
        f"Read from {sequences(used)}.{absent if missing else ''} Perfusion, permeability, PET, "
        "treatment history and tissue could change the reading.",
        "Edema, enhancement and blood volume are non-specific: they follow lesion size, primary "
        "tumor, steroids, the time since contrast injection and the scanner.",
        "After radiotherapy or anti-VEGF treatment, radiation necrosis or restoration of the "
        "blood-brain barrier explains such pictures equally well or better.",
        "Lesions of one patient may differ, and a summary hides this: each lesion is read on its "
        "own.",
        "Suspicion of vasculogenic mimicry stands apart from the modes and rests on features none "
        "of which is pathognomonic.",
        "Minimal enhancement does not exclude active tumor. Small lesions may be missed, and "
        "vessels or dura may be taken for lesions.",
        "Histology is the reference. Where it disagrees, the disagreement is recorded and this "
        "reading stays as it was made.",
        "Perfusion values are relative and depend on the processing; leakage correction leaves 10 "
        "to 20 % of doubt.",
        "“Not excluded at 90 %” lists the modes that calibration on simulated lesions leaves open; "
        "a leaning stands alone where it is the only one. Two or three modes are usual. Detection "
        "confidence is not the probability that a lesion is a metastasis.",
    ]
