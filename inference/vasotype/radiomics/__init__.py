"""A small set of features as the Image Biomarker Standardisation Initiative defines them.

Definitions and codes: IBSI reference manual (Zwanenburg et al., Radiology 2020). They are exported
for studies of one's own; nothing in the package reads them.
"""
