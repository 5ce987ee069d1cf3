"""vasotype: brain metastases on MRI, segmented, measured, and read for how each gets its blood."""

__version__ = "0.1.0"
