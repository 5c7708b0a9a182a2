"""The commands of `braid`, one a file, each imported only when it is run."""
