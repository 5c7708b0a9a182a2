"""The files of an artifact: which there must be, which there may be, and what arrays are of."""

import re
from typing import Final

ARRAYS: Final = {
    "embeddings.npy": ("<f4", 2),
    "neighbours.npy": ("<i4", 2),
    "neighbour_scores.npy": ("<f4", 2),
    "popularity.npy": ("<f4", 1),
    "store/item_rows.npy": ("<f4", 2),
    "store/user_rows.npy": ("<f4", 2),
    "store/history_items.npy": ("<i4", 1),
    "store/history_times.npy": ("<i8", 1),
    "store/history_offsets.npy": ("<i8", 1),
}
"""Each array's dtype and number of axes; anything else is refused."""

ADDED: Final = {"added.npy": ("<i8", 1)}
SEGMENTS: Final = {
    "segment_edges.npy": ("<f4", 2),
    "segment_items.npy": ("<i4", 1),
    "segment_logs.npy": ("<f4", 2),
}
OPTIONAL: Final = ADDED | SEGMENTS
"""Arrays that older artifacts lack."""

FILES: Final = frozenset(ARRAYS) | {"catalogue.json", "store/users.json"}
FOREST: Final = "ranker.txt"
PARAMETERS: Final = "ranker.npy"
OPTIONAL_FILES: Final = frozenset({FOREST, PARAMETERS, *OPTIONAL})
FOREST_KIND: Final = {"kind": "forest"}
OBJECTIVE: Final = re.compile(r"objectives/([a-z][a-z0-9_]{0,31})\.(?:txt|npy)", re.ASCII)
"""The file of a ranker besides the first; its name cannot lead out of the folder."""
