"""How probable each mode is to a reader who sees exactly what a lesion was rendered from.

A drawn mode is a noisy target: lesions of two modes may look the same. Images know of the mode only
what passes through the latents that they were rendered from, so a network that learns the modes'
probabilities given those latents learns the same as from drawn modes, from fewer lesions (the
conditional mean of the one is that of the other). Densities of the latents are taken as normal
within a mode, fitted to draws of the simulator.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax
from scipy.stats import multivariate_normal
from vasotype_models.contract import MODES

from vasotype_training.simulate import physics
from vasotype_training.simulate.biology import Biology, draw_biology, draw_primary
from vasotype_training.simulate.plan import Lesion
from vasotype_training.simulate.render import border_limits_mm

Floats = NDArray[np.float64]

LATENTS = ("low_permeability", "concentration", "edema", "width", "rcbv", "ktrans")
"""``concentration`` is that of the contrast agent, which T1c shows. PET adds nothing to them."""

DRAWS = 4000
"""Lesions of each mode that the densities are fitted to."""
DELAY_MIN = 5.0
"""The concentration of contrast agent is taken at this time."""


@dataclass(frozen=True)
class PerfectReader:
    """Means [3, 6] and covariances [3, 6, 6] of ``LATENTS`` in each mode."""

    means: Floats
    covariances: Floats

    def probabilities(self, lesion: Lesion, channels: Collection[str]) -> NDArray[np.float32]:
        """Probability [3] of each mode of a metastasis with biology, seen in these ``channels``.

        A lesion without edema tells nothing by it, nor does a border that can't be as wide or as
        narrow as the mode would have it, nor the concentration where Ktrans itself is seen.
        """
        assert lesion.biology is not None
        low, high = border_limits_mm(lesion.diameter_mm)
        seen = ["low_permeability", "ktrans" if "ktrans" in channels else "concentration"]
        seen += ["rcbv"] if "rcbv" in channels else []
        seen += ["edema"] if lesion.edema_ml > 0 else []
        seen += ["width"] if low < lesion.biology.width_mm < high else []
        which = [LATENTS.index(name) for name in seen]
        values = _values(lesion.biology)[which]
        densities = [
            multivariate_normal(mean[which], covariance[np.ix_(which, which)]).logpdf(values)
            for mean, covariance in zip(self.means, self.covariances, strict=True)
        ]
        return np.asarray(softmax(densities), np.float32)


@cache
def perfect_reader() -> PerfectReader:
    """The reader of the simulator's own lesions, each mode as frequent as the others."""
    rng = np.random.default_rng(0)
    drawn = np.array([[_draw(mode, rng) for _ in range(DRAWS)] for mode in MODES])
    return PerfectReader(drawn.mean(axis=1), np.array([np.cov(values.T) for values in drawn]))


def _draw(mode: str, rng: np.random.Generator) -> Floats:
    return _values(draw_biology(rng, float(rng.normal()), draw_primary(rng), mode))


def _values(biology: Biology) -> Floats:
    """``LATENTS`` of a lesion on the scales on which they are near normal."""
    share = biology.low_permeability
    plasma = physics.PLASMA_PER_RCBV * biology.rcbv
    ktrans = np.array([biology.ktrans_per_min])
    agent = float(physics.tissue_concentration(ktrans, biology.ve, plasma, _protocol())[0])
    plain = (agent, biology.edema_ratio, biology.width_mm, biology.rcbv, biology.ktrans_per_min)
    return np.array([np.log(share / (1 - share)), *np.log(plain)])


@cache
def _protocol() -> physics.Sequences:
    usual = physics.draw_sequences(np.random.default_rng(0), (DELAY_MIN, DELAY_MIN))
    return replace(usual, dose=0.1)
