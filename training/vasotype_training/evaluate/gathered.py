"""What the studies of one cohort gave, study by study, and the figures that come of it."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from vasotype.findings import StudyError
from vasotype.pipeline import Vasotype
from vasotype.stages import Study

from vasotype_training.cohorts import LabelledStudy, LesionTruth, read_labelled
from vasotype_training.evaluate.figures import CohortRecord, Figure, Settings
from vasotype_training.evaluate.froc import Froc, froc
from vasotype_training.evaluate.modes import mode_figures
from vasotype_training.evaluate.outlines import Reliability
from vasotype_training.evaluate.predictions import (
    ALL,
    COUNTERFACTUAL,
    THRESHOLD,
    Shelf,
    digest,
    vary,
)
from vasotype_training.evaluate.score import StudyScore, score
from vasotype_training.evaluate.studies import study_figures
from vasotype_training.evaluate.summary import (
    LEAST_OUTLINED_MM,
    calibration_figures,
    detection_figures,
    enhancement_left,
    lesion_outline_figures,
    outline_figures,
)
from vasotype_training.evaluate.threshold import by_threshold
from vasotype_training.evaluate.worst import Mistake, mistakes

MOST_ALONE = 20
"""Studies of a cohort of this size are also reported one by one."""

Means = tuple[Shelf, Vasotype]
"""Where predictions are kept, and what makes new ones."""


@dataclass
class Gathered:
    """Scores and enhancing volumes of the studies of a cohort, by variant and study name."""

    settings: Settings
    scores: dict[str, dict[str, StudyScore]] = field(default_factory=lambda: defaultdict(dict))
    enhancing_ml: dict[str, dict[str, float]] = field(default_factory=lambda: defaultdict(dict))
    refused: dict[str, list[str]] = field(default_factory=dict)
    digests: dict[str, str] = field(default_factory=dict)
    mistakes: list[Mistake] = field(default_factory=list)
    simulated: bool = False

    def add(self, folder: Path, means: Means) -> None:
        """Predict and score one study in every variant that its sequences allow.

        Raises StudyError where its labels can't be used, or where a prediction must be kept and is
        not; a study that the pipeline refuses is noted.
        """
        shelf, runtime = means
        labelled = read_labelled(folder, self.settings.labels)
        name = labelled.name
        self.simulated |= labelled.simulated
        self.digests[name] = name + digest(labelled.study) + _truth_digest(labelled)
        self.refused[name] = []
        for variant in self.settings.variants:
            study = vary(labelled.study, variant)
            if study is None:
                continue
            try:
                prediction = shelf.predict(self._asked(labelled.study, variant), runtime)
            except StudyError as error:
                if error.code == "prediction-missing":
                    raise
                self.refused[name].append(f"{name} ({variant}): {error.code}")
                continue
            self.enhancing_ml[variant][name] = prediction.result.total_volume_ml.enhancing
            if variant == COUNTERFACTUAL:
                continue
            if variant == THRESHOLD:
                prediction = by_threshold(study, prediction)
            scored = score(labelled, prediction, name not in self.settings.core_unscored)
            self.scores[variant][name] = scored
            if variant == self.settings.variants[0]:
                self.mistakes += mistakes(folder, scored)

    def _asked(self, study: Study, variant: str) -> Study:
        """The study that is predicted; a threshold only borrows the frame of a prediction."""
        first = self.settings.variants[0] if variant == THRESHOLD else variant
        return vary(study, first) or study

    def part(self, names: Collection[str]) -> Gathered:
        """The same of some of its studies, without their mistakes."""

        def of(by_study: dict[str, StudyScore]) -> dict[str, StudyScore]:
            return {name: value for name, value in by_study.items() if name in names}

        return Gathered(
            self.settings,
            {variant: of(scores) for variant, scores in self.scores.items()},
            {
                variant: {name: ml for name, ml in volumes.items() if name in names}
                for variant, volumes in self.enhancing_ml.items()
            },
            {name: lines for name, lines in self.refused.items() if name in names},
            {name: text for name, text in self.digests.items() if name in names},
            simulated=self.simulated,
        )

    def record(self, name: str) -> CohortRecord:
        """What was evaluated, under the name of the cohort."""
        text = "\n".join(sorted(self.digests.values()))
        return CohortRecord(
            name=name,
            digest=hashlib.sha256(text.encode()).hexdigest(),
            studies=len(self.digests),
            simulated=self.simulated,
            refused=tuple(line for lines in self.refused.values() for line in lines),
        )

    def figures(self, cohort: str) -> list[Figure]:
        """All figures, variant by variant, then study by study where there are few."""
        figures: list[Figure] = []
        for variant in self.settings.variants:
            placed = {"cohort": cohort, "variant": variant}
            found = [f.model_copy(update=placed) for f in self._of_variant(variant)]
            figures += found
        if len(self.digests) <= MOST_ALONE:
            alone = study_figures(self.scores, self.enhancing_ml, self.settings.variants)
            figures += [f.model_copy(update={"cohort": cohort}) for f in alone]
        return figures

    def rows(self) -> Iterator[tuple[str, StudyScore]]:
        """Variant and score of every study."""
        for variant, scores in self.scores.items():
            for scored in scores.values():
                yield variant, scored

    def reliability(self) -> list[Reliability]:
        """Probabilities against truth of each study, in the first variant."""
        return [s.reliability for s in self.scores[self.settings.variants[0]].values()]

    def froc(self) -> Froc | None:
        """What is found at how many false positives, in the first variant."""
        scores = list(self.scores[self.settings.variants[0]].values())
        return froc(scores, LEAST_OUTLINED_MM) if scores else None

    def _of_variant(self, variant: str) -> Sequence[Figure]:
        if variant == COUNTERFACTUAL:
            return enhancement_left(self.enhancing_ml[ALL], self.enhancing_ml[variant])
        scores = list(self.scores[variant].values())
        found = outline_figures(scores) + lesion_outline_figures(scores)
        found += detection_figures(scores) + calibration_figures(scores)
        return found + mode_figures(scores)


def _truth_digest(labelled: LabelledStudy) -> str:
    parts = [labelled.tissue.tobytes(), _known(labelled.lesions).encode()]
    parts += [a.tobytes() for a in (labelled.instances, labelled.exclude) if a is not None]
    return hashlib.sha256(b"".join(parts)).hexdigest()


def _known(lesions: Sequence[LesionTruth] | None) -> str:
    """What makes lesions those that they are.

    Spelled out, as whatever else comes to be known of a lesion leaves it the same; recorded cohorts
    are found again by these very words.
    """
    words = [
        f"LesionTruth(id={t.id!r}, mode={t.mode!r}, mimicry={t.mimicry!r}, source={t.source!r})"
        for t in lesions or ()
    ]
    if lesions is None:
        return "None"
    return f"({words[0]},)" if len(words) == 1 else f"({', '.join(words)})"
