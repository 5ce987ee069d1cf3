"""The follow-up report's sentences: sizes and changes beside their limits, never a response."""

from __future__ import annotations

from collections.abc import Sequence

from vasotype.followup.match import Event
from vasotype.followup.record import (
    Change,
    FeatureChange,
    FollowUp,
    Observation,
    SizeComponent,
    Timepoint,
    TrackRecord,
    Transition,
)
from vasotype.outputs.report_triage import numbers
from vasotype.outputs.report_words import MODE_NAMES

SIZE_NAMES = {
    "CR": "CR: no target is found any more",
    "PR": "PR: the sum fell by 30 % or more",
    "SD": "SD: neither PR nor PD",
    "PD": "PD: the sum grew by 20 % or more, one target by 5 mm or more",
    "not assessable": "not assessable: no lesion at baseline measures 10 × 5 mm on two slices of "
    "at most 5 mm",
}
EVENTS = {
    "matched": "matched",
    "split": "in more parts",
    "merged": "in fewer parts",
    "new": "new",
    "vanished": "no longer found",
    "reappeared": "found again",
}
TIERS = {
    "structural": "routine MRI",
    "dsc": "routine MRI with DSC",
    "dce": "routine MRI with DCE",
    "both": "routine MRI with DSC and DCE",
}
WATCHED = {
    "minimal-persists": "Hardly enhancing under anti-VEGF treatment: {who}; that is not resolved.",
    "not-found-under-treatment": "No longer found while anti-VEGF treatment or steroids are given "
    "or may be: {who}; that is not counted as resolved.",
}
WINDOW = (
    "The time in which vessels are normalised under anti-VEGF treatment is brief and differs "
    "between patients; no timing follows from it."
)
GUIDE = (
    "Size components follow RANO-BM: up to five targets of at least 10 × 5 mm at baseline, on two "
    "slices of at most 5 mm, the sum of their longest axial diameters, against baseline and nadir. "
    "They concern the brain alone; "
    "disease elsewhere is not assessed here and is named apart.",
    "A size component is no response. Steroids, clinical status, confirmation at a later visit and "
    "a reader's judgement of other lesions belong to that.",
    "A change within its limit can't be told from a repeated measurement. No limit was measured in "
    "brain metastases; they stand in limits.json with their sources.",
    "A changed leaning is called a mode change only where both rest on the same inputs and at "
    "least two features that drive it left their limits towards the new mode, and not where a "
    "restored blood-brain barrier may explain it.",
    "Where growth after radiotherapy may be necrosis, no leaning is given for that examination.",
    "Lesions were matched after rigid alignment, by overlap and then by distance. What is new or "
    "no longer found needs a look at the pictures: small lesions can be missed.",
    "A lesion that is no longer found, or hardly enhances, is not thereby resolved.",
    "Each examination was read anew on its own sequences; read leanings again whenever a decision "
    "is due, on examinations that were acquired alike.",
)


def name(timepoint: Timepoint) -> str:
    """``Baseline``, or ``Follow-up 2, day 181``."""
    if timepoint.index == 0:
        return "Baseline"
    day = "" if timepoint.days is None else f", day {timepoint.days}"
    return f"Follow-up {timepoint.index}{day}"


def percent(change: float | None) -> str:
    """Relative change with its sign."""
    return "–" if change is None else f"{100 * change:+.0f} %"


def growth(observations: Sequence[Observation | None], time: int) -> str:
    """Change of the longest diameter since a lesion was found first; empty at that time."""
    first, now = next(seen for seen in observations if seen), observations[time]
    if now is None or now is first:
        return ""
    return f"{percent(now.longest_diameter_mm / first.longest_diameter_mm - 1)}, "


def course(events: Sequence[Event | None]) -> str:
    """What became of a lesion over all follow-ups."""
    if all(event == "matched" for event in events):
        return "found each time"
    return ", ".join(EVENTS[event] for event in events if event and event != "matched")


def size(component: SizeComponent) -> str:
    """Size component of the targets, with the numbers it rests on."""
    text = f"{SIZE_NAMES[component.targets]}."
    if component.targets == "not assessable":
        return text
    sums = (
        f"Sum {component.sum_mm:.1f} mm, {percent(component.change_from_baseline)} from baseline, "
        f"{percent(component.change_from_nadir)} from nadir."
    )
    return " ".join(filter(None, (text, sums, component.caution)))


def new_lesions(component: SizeComponent) -> str:
    """What new lesions mean for the size component; empty where there are none."""
    if not component.new_tracks:
        return ""
    who = numbers(component.new_tracks)
    if component.with_new_lesions == "PD":
        return f"New: {who}; PD where a reader confirms them."
    return f"New: {who}; under immune checkpoint inhibition new lesions alone are no PD."


def watched(record: FollowUp, time: int) -> list[str]:
    """Lesions that treatment may hide at a follow-up, by number: none of them is resolved."""
    said = []
    for code, words in WATCHED.items():
        ids = [track.id for track in record.tracks if _remarked(track, time, code)]
        if ids:
            said.append(words.format(who=numbers(ids)))
    return said


def _remarked(track: TrackRecord, time: int, code: str) -> bool:
    at_that_time = [change for change in track.changes if change.timepoint == time]
    return any(remark.code == code for change in at_that_time for remark in change.remarks)


def leaning(seen: Observation) -> str:
    """The leaning at one timepoint, or why there is none, in a table's cell."""
    if seen.label_withheld is not None:
        return f"leaning withheld: {seen.label_withheld}"
    return MODE_NAMES[seen.label] if seen.label else "no leaning"


def change(item: FeatureChange) -> str:
    """Change beside its limit, e.g. ``3.1 to 1.2 (-61 %, limit ±40 %)``."""
    relative = percent(item.relative_change)
    return (
        f"{item.before:.3g} to {item.after:.3g} ({relative}, "
        f"limit ±{100 * item.relative_limit:.0f} %)"
    )


def transition(item: Transition) -> str:
    """A changed leaning in words; one that is withheld is not told."""
    if item.after is None:
        return (
            f"The leaning was {MODE_NAMES[item.before]}; the one now is withheld, since growth "
            "after radiotherapy may be necrosis."
        )
    was = f"The leaning was {MODE_NAMES[item.before]} and is now {MODE_NAMES[item.after]}."
    carried = ", ".join(name.replace("_", " ") for name in item.carried_by) or "none"
    inputs = ", then ".join(TIERS.get(tier or "", "none") for tier in item.tiers)
    return {
        "mode change": f"{was} Features beyond their limits carry it: {carried}.",
        "within repeatability": f"{was} That is no mode change: fewer than two features that can "
        f"carry it left their limits ({carried}).",
        "barrier restoration": f"{was} That is no mode change: a restored blood-brain barrier "
        "explains it.",
        "barrier restoration possible": f"{was} It is not called a mode change: a restored "
        "blood-brain barrier may explain it.",
        "input tiers differ": f"{was} It is not called a mode change: the two rest on different "
        f"inputs ({inputs}).",
    }[item.verdict]


def since(item: Change) -> str:
    """Which timepoints a change lies between."""
    start = "baseline" if item.since == 0 else f"follow-up {item.since}"
    return f"Follow-up {item.timepoint} against {start}"


def anti_vegf_given(record: FollowUp) -> bool:
    """Whether anti-VEGF treatment is known at any timepoint."""
    facts = [timepoint.clinical for timepoint in record.timepoints]
    return any(f and f.anti_vegf and f.anti_vegf.given for f in facts)
