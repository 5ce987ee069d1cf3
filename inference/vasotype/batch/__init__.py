"""Many studies: on this machine's cores, or on a Dask cluster."""

from vasotype.batch.cohort import BatchOptions, BatchResult, run_batch
from vasotype.batch.task import Outcome

__all__ = ["BatchOptions", "BatchResult", "Outcome", "run_batch"]
