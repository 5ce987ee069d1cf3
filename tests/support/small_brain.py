"""A small brain with a leaking lesion, white matter and an artery, for perfusion series."""

import numpy as np
from vasotype.stages import Grid

SHAPE = (16, 16, 12)
GRID = Grid(SHAPE, np.diag([3.0, 3.0, 5.0, 1.0]))
BRAIN = np.zeros(SHAPE, bool)
BRAIN[1:-1, 1:-1, 1:-1] = True
LESION = np.zeros(SHAPE, bool)
LESION[3:7, 3:7, 3:7] = True
WHITE = np.zeros(SHAPE, bool)
WHITE[10:14, 3:12, 3:9] = True
ARTERY = np.zeros(SHAPE, bool)
ARTERY[8, 4:10, 5:8] = True
