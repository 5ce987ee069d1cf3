"""What a reader sees of a simulated lesion, and how likely it is in each vascular mode.

Observations are linear in a lesion's latents but for the degree of enhancement. The density of the
linear ones is Gaussian in closed form; that of enhancement given them is a mean over quasi-random
latents and kinetics, by the same physics that renders T1c.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp, ndtr
from scipy.stats import multivariate_normal, norm, qmc
from vasotype_models.contract import MODES

from vasotype_training.simulate.biology import LATENTS, LOW_KTRANS_PER_MIN, covariance, means
from vasotype_training.simulate.physics import Sequences, draw_sequences, tissue_concentration
from vasotype_training.simulate.plan import Population, draw_diameter, edema_presence

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

LINEAR = {
    "edema": ("edema", 0.0),
    "width": ("width", 0.0),
    "heterogeneity": ("low_permeability", 0.8),
    "rcbv": ("rcbv", 0.0),
    "ktrans": ("ktrans", 0.0),
    "low_permeability": ("low_permeability", 0.0),
    "tbr": ("tbr", 0.0),
}
"""Observation to its latent and the standard deviation of its noise (an assumption)."""

ENHANCEMENT = "enhancement"
SATURATION_MM = 0.30
"""Enhancement grows as 1 - exp(-C / this), C the mean concentration of contrast agent, mM."""
ENHANCEMENT_NOISE = 0.15
"""Standard deviation of ln enhancement: scaling, sequence and T1 of the tumor (an assumption)."""
USUAL_DOSE, USUAL_RELAXIVITY = 0.1, 4.5
"""mmol/kg and 1/(s mM)."""

VE_MEDIAN, VE_SPREAD = 0.25, 0.35
DELAY_MIN = (3.0, 8.0)
SMALLEST_MM = 5.0
"""Smaller lesions get no reading of their mode."""

QUASI_DRAWS = 256
KTRANS_STEPS = np.geomspace(0.002, 5.0, 64)
LEAST_DENSITY = 1e-300

SEEN, ABOVE, BELOW, HIDDEN = 0, 1, -1, 9
"""Of an observation its value is known, or that it lies above or below it, or nothing."""


@dataclass(frozen=True)
class Assumptions:
    """What lies between latents and reader.

    ``shifts``: what the reader doesn't know of a lesion, each as a probability and what it adds to
    latents on their scales; probabilities sum to 1. ``rendered``: lesions have diameters, small
    ones more often lack edema, infiltration widths are bounded as in a rendered border, and dose
    and relaxivity vary.
    """

    shifts: tuple[tuple[float, Mapping[str, float]], ...]
    rendered: bool


@dataclass(frozen=True)
class Lesions:
    """Drawn lesions: number of the mode [N], and by name of the observation its ``values`` [N].

    ``seen`` [N] tells what a reader knows of each: ``SEEN``, ``ABOVE``, ``BELOW`` or ``HIDDEN``.
    """

    mode: Integers
    values: dict[str, Floats]
    seen: dict[str, Integers]


def draw_lesions(assumptions: Assumptions, count: int, rng: np.random.Generator) -> Lesions:
    """Draw ``count`` lesions of each mode and what a reader would see of them."""
    total = count * len(MODES)
    mode = np.repeat(np.arange(len(MODES)), count)
    latents = np.concatenate(
        [rng.multivariate_normal(means(m), covariance(), count) for m in MODES]
    )
    weights = [weight for weight, _ in assumptions.shifts]
    which = rng.choice(len(weights), total, p=weights)
    latents += np.stack([_shift(shift) for _, shift in assumptions.shifts])[which]
    values = {
        name: latents[:, LATENTS.index(latent)] + noise * rng.standard_normal(total)
        for name, (latent, noise) in LINEAR.items()
    }
    seen = {name: np.full(total, SEEN) for name in LINEAR}
    if assumptions.rendered:
        _hide_by_size(values, seen, rng)
    plasma = _plasma(latents[:, 0])
    concentration = np.empty(total)
    for n in range(total):
        sequences, gain = _protocol(assumptions, rng.uniform(*DELAY_MIN), rng)
        ve = float(np.exp(rng.normal(np.log(VE_MEDIAN), VE_SPREAD)))
        share = 1 / (1 + np.exp(-latents[n, 5]))
        pair = np.array([LOW_KTRANS_PER_MIN, _open_ktrans(np.exp(latents[n, 1]), share)])
        low, high = tissue_concentration(pair, ve, float(plasma[n]), sequences)
        concentration[n] = gain * (share * low + (1 - share) * high)
    values[ENHANCEMENT] = _enhancement(concentration) + ENHANCEMENT_NOISE * rng.standard_normal(
        total
    )
    return Lesions(mode, values, seen)


def _hide_by_size(
    values: dict[str, Floats], seen: dict[str, Integers], rng: np.random.Generator
) -> None:
    """Edema that a small lesion lacks, and widths beyond those that a border can have."""
    population = Population()
    total = len(values["edema"])
    diameter = np.empty(total)
    for n in range(total):
        while (size := draw_diameter(population, rng)) < SMALLEST_MM:
            pass
        diameter[n] = size
    seen["edema"][rng.random(total) >= edema_presence(diameter)] = HIDDEN
    low, high = np.log(0.35), np.log(0.22 * diameter)
    seen["width"][values["width"] < low] = BELOW
    seen["width"][values["width"] > high] = ABOVE
    values["width"] = np.clip(values["width"], low, high)


def _shift(shift: Mapping[str, float]) -> Floats:
    return np.array([shift.get(latent, 0.0) for latent in LATENTS])


def _plasma(log_rcbv: Floats) -> Floats:
    """Plasma volume, a fraction."""
    plasma: Floats = 0.58 * 0.02 * np.exp(log_rcbv)
    return plasma


def _open_ktrans(mean_ktrans: Floats, share: Floats) -> Floats:
    """Ktrans where the barrier is open, from the lesion's mean."""
    return np.maximum((mean_ktrans - LOW_KTRANS_PER_MIN * share) / (1 - share), 0.006)


def _enhancement(concentration: Floats) -> Floats:
    return np.log(-np.expm1(-concentration / SATURATION_MM))


def _protocol(
    assumptions: Assumptions, delay_min: float, rng: np.random.Generator
) -> tuple[Sequences, float]:
    """A protocol, and the factor of the contrast agent's effect to its usual relaxivity."""
    sequences = draw_sequences(rng, (delay_min, delay_min))
    if assumptions.rendered:
        return sequences, sequences.relaxivity / USUAL_RELAXIVITY
    return sequences, USUAL_DOSE / sequences.dose


@dataclass(frozen=True)
class Kinetics:
    """One quasi-random draw of what a reader doesn't know of a lesion.

    Standard normal numbers [3] for its rCBV, Ktrans and f; concentration in mM of each of
    ``KTRANS_STEPS`` and of a plasma volume of 1.
    """

    normal: Floats
    extravascular: Floats
    plasma: float


def draw_kinetics(assumptions: Assumptions, seed: int) -> list[Kinetics]:
    """Quasi-random draws that stand for all kinetics that a lesion may have."""
    rng = np.random.default_rng((seed, 1))
    points = qmc.Sobol(5, seed=seed).random(QUASI_DRAWS)
    drawn = []
    for point in points:
        delay = DELAY_MIN[0] + point[4] * (DELAY_MIN[1] - DELAY_MIN[0])
        sequences, gain = _protocol(assumptions, delay, rng)
        ve = float(VE_MEDIAN * np.exp(VE_SPREAD * norm.ppf(point[3])))
        plasma = float(tissue_concentration(np.zeros(1), ve, 1.0, sequences)[0])
        table = tissue_concentration(KTRANS_STEPS, ve, 0.0, sequences)
        drawn.append(Kinetics(norm.ppf(point[:3]), gain * table, gain * plasma))
    return drawn


def log_likelihood(
    lesions: Lesions,
    information: Sequence[str],
    mode: str,
    assumptions: Assumptions,
    kinetics: Sequence[Kinetics],
) -> Floats:
    """Log density [N] of what is seen of each lesion, were it of ``mode``."""
    result = np.zeros(len(lesions.mode))
    for rows, exact, bounded in _patterns(lesions, information):
        terms = []
        for weight, shift in assumptions.shifts:
            centre = means(mode) + _shift(shift)
            x = np.array([lesions.values[n][rows] for n in exact]).reshape(len(exact), len(rows)).T
            given = _Given(centre, exact, x)
            density = np.log(weight) + given.log_density
            for name, side in bounded:
                middle, spread = given.rest((LINEAR[name][0],))
                gap = middle[:, 0] - lesions.values[name][rows]
                density += np.log(ndtr(side * gap / spread[0, 0]) + LEAST_DENSITY)
            if ENHANCEMENT in information:
                seen = lesions.values[ENHANCEMENT][rows]
                density += _enhancement_density(seen, given, kinetics)
            terms.append(density)
        result[rows] = logsumexp(terms, axis=0)
    return result


def _patterns(
    lesions: Lesions, information: Sequence[str]
) -> Iterator[tuple[Integers, list[str], list[tuple[str, int]]]]:
    """Rows that show the same of a lesion: exact observations, and bounds with their side."""
    names = [name for name in information if name != ENHANCEMENT]
    state = np.zeros((len(lesions.mode), 0), np.int64)
    if names:
        state = np.stack([lesions.seen[name] for name in names], axis=1)
    patterns, which = np.unique(state, axis=0, return_inverse=True)
    for number, pattern in enumerate(patterns):
        exact = [n for n, s in zip(names, pattern, strict=True) if s == SEEN]
        bounded = [(n, int(s)) for n, s in zip(names, pattern, strict=True) if s in (ABOVE, BELOW)]
        yield np.flatnonzero(which.ravel() == number), exact, bounded


class _Given:
    """Latents of a mode, normally distributed about ``centre``, given exact observations [N, K]."""

    def __init__(self, centre: Floats, names: Sequence[str], x: Floats) -> None:
        self.centre, self.covariance = centre, covariance()
        self.index = [LATENTS.index(LINEAR[name][0]) for name in names]
        noise = np.diag([LINEAR[name][1] ** 2 for name in names])
        observed = self.covariance[np.ix_(self.index, self.index)] + noise
        self.inverse = np.linalg.inv(observed) if names else np.zeros((0, 0))
        self.away = x - centre[self.index]
        self.log_density = np.zeros(len(x))
        if names:
            self.log_density = multivariate_normal(cov=observed).logpdf(self.away).reshape(-1)

    def rest(self, latents: Sequence[str]) -> tuple[Floats, Floats]:
        """Mean [N, L] of other latents, and a matrix [L, L] that makes their spread from noise."""
        other = [LATENTS.index(latent) for latent in latents]
        gain = self.covariance[np.ix_(other, self.index)] @ self.inverse
        mean = self.centre[other] + self.away @ gain.T
        left = (
            self.covariance[np.ix_(other, other)]
            - gain @ self.covariance[np.ix_(self.index, other)]
        )
        values, vectors = np.linalg.eigh(left)
        return mean, vectors * np.sqrt(np.clip(values, 0, None)) @ vectors.T


def _enhancement_density(seen: Floats, given: _Given, kinetics: Sequence[Kinetics]) -> Floats:
    """Log density [N] of the enhancement given all else: a mean over quasi-random draws."""
    mean, spread = given.rest(("rcbv", "ktrans", "low_permeability"))
    total = np.zeros(len(seen))
    for draw in kinetics:
        rcbv, ktrans, logit = (mean + spread @ draw.normal).T
        share = 1 / (1 + np.exp(-logit))
        high = np.log(_open_ktrans(np.exp(ktrans), share))
        steps = np.log(KTRANS_STEPS)
        low = np.interp(np.log(LOW_KTRANS_PER_MIN), steps, draw.extravascular)
        tissue = share * low + (1 - share) * np.interp(high, steps, draw.extravascular)
        expected = _enhancement(_plasma(rcbv) * draw.plasma + tissue)
        total += np.exp(-0.5 * ((seen - expected) / ENHANCEMENT_NOISE) ** 2)
    return np.log(total / len(kinetics) + LEAST_DENSITY)
