"""A DICOM listener: studies come in by C-STORE, results go back by C-STORE.

Needs the extra ``serve`` (pynetdicom); imported by ``vasotype serve`` alone.
"""
