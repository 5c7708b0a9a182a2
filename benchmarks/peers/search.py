"""faiss's flat index as a peer in another environment: queries in on stdin, answers on stdout.

    python search.py VECTORS.npy QUERIES.npy K

Each line on stdin is "THREADS COUNT"; the answer is one JSON line with the milliseconds of COUNT
searches and the items that the first query found.
"""

import json
import sys
from time import perf_counter

import faiss  # type: ignore[import-not-found]  # only in .venv-bench
import numpy as np


def main() -> None:
    """Serve until stdin ends."""
    vectors, queries = np.load(sys.argv[1]), np.load(sys.argv[2])
    k = int(sys.argv[3])
    index = faiss.IndexFlatIP(vectors.shape[1])
    index.add(vectors)
    print(json.dumps({"faiss": faiss.__version__}), flush=True)
    for line in sys.stdin:
        threads, count = map(int, line.split())
        faiss.omp_set_num_threads(threads)
        took = []
        for turn in range(count):
            query = queries[turn % len(queries)][None]
            start = perf_counter()
            index.search(query, k)
            took.append((perf_counter() - start) * 1e3)
        _, found = index.search(queries[:1], k)
        print(json.dumps({"ms": took, "items": found[0].tolist()}), flush=True)


if __name__ == "__main__":
    main()
