"""What came of an experiment: from who saw what, and what they did, to a report."""
