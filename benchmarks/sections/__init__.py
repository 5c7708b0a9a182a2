"""Each benchmark's results as Markdown: a file for each kind of them."""

from collections.abc import Callable, Iterator
from typing import Any

from benchmarks.sections import (
    batch,
    capacity,
    cases,
    crew,
    effect,
    feast,
    http,
    loop,
    memory,
    offline,
    offline_batch,
    overload,
    parallelism,
    rank,
    replicas,
    retrieval,
    size,
    surfaces,
    swap,
    trust,
)

SECTIONS: dict[str, tuple[str, Callable[[Any], Iterator[str]]]] = {
    "rank": ("W1 over HTTP, beside FastAPI", rank.section),
    "crew": ("One request on two threads", crew.section),
    "batch": ("A hundred slates at once", batch.section),
    "offline_batch": ("All users' slates ahead of time", offline_batch.section),
    "offline": ("Features and examples by DuckDB and by Spark", offline.section),
    "features": ("Feature rows, near and far", cases.section),
    "cluster": ("Feature rows from a cluster", cases.section),
    "feast": ("Feature rows beside Feast", feast.section),
    "forest": ("The forest kernel", cases.section),
    "rerank": ("Re-ranking kernels", cases.section),
    "stages": ("The stages around scoring, warm and cold", cases.section),
    "filters": ("Filters", cases.section),
    "retrieval": ("Vector search", retrieval.section),
    "size": ("Large catalogues", size.section),
    "http": ("HTTP, JSON and the instruments", http.section),
    "loop": ("Where stages run, and who chooses the loop", loop.section),
    "capacity": ("A capacity model, and the truth", capacity.section),
    "replicas": ("Replicas behind HAProxy, predicted and measured", replicas.section),
    "memory": ("Memory", memory.section),
    "parallelism": ("Serial, asyncio, processes, threads, free threads", parallelism.section),
    "swap": ("Models swapped under load", swap.section),
    "surfaces": ("W2, and what each setting of a surface costs", surfaces.section),
    "overload": ("More than can be done, beside FastAPI", overload.section),
    "trust": ("What guards the service, and its cost on W1", trust.section),
    "effect": ("From an event to its effect", effect.section),
}
"""Every benchmark that the report knows, in its order: title, and results to Markdown."""
