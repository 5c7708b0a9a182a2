"""Find the k best of many vectors by inner product: in a scan of all, or of a sketch of them."""
