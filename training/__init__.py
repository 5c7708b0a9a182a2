"""WHAT WE LEARN: data sets, embeddings, the ranker, evaluation and the artifact."""
