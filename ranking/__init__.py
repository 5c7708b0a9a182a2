"""WHAT WE PREFER: retrieval, masks, scorers and re-rankers, pure functions over arrays."""
