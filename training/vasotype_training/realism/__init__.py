"""What gives a simulated tumor away: a small classifier on features that one can name."""

from vasotype_training.realism.run import RealismOptions, realism

__all__ = ["RealismOptions", "realism"]
