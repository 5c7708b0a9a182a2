"""Every claim about speed ships with its script and its peers."""
