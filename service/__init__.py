"""HOW WE SERVE IT: settings, wire types, routes, the pipeline, threads, clocks, metrics."""

import os

# Our threads are the parallelism: several threads inside one BLAS call would fight them for the
# cores, and have given wrong results upstream. It must be set before numpy is first imported.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from service.constants import immortalise_constants

immortalise_constants()
