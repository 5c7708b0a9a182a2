"""The page at `/`: ask, watch, look back, change the model. Served as it lies here, by us."""
