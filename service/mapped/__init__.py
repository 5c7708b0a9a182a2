"""Models in memory-mapped files, which all replicas of one machine share: docs/size.md.

`lay_out` verifies an artifact and writes what serving needs as arrays; `take_up` maps them.
`MappedModels` does whichever is due.
"""

from service.mapped.kept import Kept
from service.mapped.mapped_models import MappedModels
from service.mapped.take_up import Loaded

__all__ = ["Kept", "Loaded", "MappedModels"]
