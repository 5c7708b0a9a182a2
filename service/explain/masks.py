"""The masks of one request, each by its name: together they are what retrieval obeys."""

import numpy as np

from features.types import Context, Items, Mask, Query
from ranking.masks import looked_at
from ranking.rerank.rotation import showings
from service.state import Serving
from service.surfaces.plan import Plan


def masks_of(query: Query, plan: Plan, context: Context, serving: Serving) -> dict[str, Mask]:
    """Return bool[n_items] by name, True where the mask keeps an item away; only those in use.

    | name       | keeps away                                                        |
    |------------|-------------------------------------------------------------------|
    | `seen`     | what the user consumed, the session, the seed items               |
    | `excluded` | `exclude` of the request                                          |
    | `paged`    | what the pages before this one showed                             |
    | `disliked` | what the user disliked                                            |
    | `rule`     | what the surface's rule does not let pass                         |
    | `filter`   | what the request's filter does not let pass                       |
    | `served`   | what was shown too often, without having been chosen              |
    | `retired`  | what was deleted from the catalogue                               |

    Neither `seen` nor `served` counts for the caller's own candidates.
    """
    snapshot, filters = serving.snapshot, plan.surface.filters
    ordinals, n = snapshot.catalogue.ordinals, len(snapshot.catalogue)
    excluded, paged = ordinals(query.exclude), ordinals(query.shown)
    own = np.concatenate((excluded, paged))
    masks = {
        "excluded": _of(excluded, n),
        "paged": _of(paged, n),
        "disliked": _of(np.setdiff1d(context.exclude, own), n),
    }
    if not query.candidates:
        masks["seen"] = _of(context.history if filters.seen else looked_at(context), n)
        if filters.served is not None and filters.served.hide_after is not None:
            shown = showings(context, filters.served.within_s)
            masks["served"] = _of(shown.hidden(filters.served.hide_after), n)
    if plan.hidden is not None:
        masks["rule"] = plan.hidden
    if query.filter is not None:
        masks["filter"] = serving.filters.hidden(query.filter)
    if snapshot.retired is not None:
        masks["retired"] = snapshot.retired
    return {name: mask for name, mask in masks.items() if mask.any()}


def _of(items: Items, n: int) -> Mask:
    mask = np.zeros(n, np.bool_)
    mask[items] = True
    return mask
