"""How long it took and how often: spans, histograms, recorders, the metrics page."""
