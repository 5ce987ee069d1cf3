"""Two or more examinations of one patient: aligned, matched lesion by lesion, compared."""
