"""From a log of interactions to features, neighbours and ranking examples, written once in Ibis.

    python -m training.pipeline --interactions FILE --into FOLDER [--engine spark]

DuckDB computes it on one machine, Spark on many, to the same bits: sums are sums of integers,
floats meet only operations that IEEE 754 rounds in one way (+ - * / sqrt), every order has its
ties broken, and every moment is Unix milliseconds in an int64, so that no time zone has a say.
Decision 0033.

    reading        files of events, whatever holds them, as three columns
    log            each user's sequence of items, and ordinals for both
    popularity     how popular each item is these days
    cooccurrence   which items are consumed close to which
    asof           what was known of a user or an item just before a moment
    examples       requests of the past, what was chosen and what was not, with features as of then
    served         what `braid log export` wrote: a label for every item that was shown
    factors        item factors: implicit on one machine, Spark MLlib beyond
    engines, run   which engine, and everything in its order, into Parquet files

Nothing here may import the rest of the project but `training.constants`: it runs on another Python,
in an environment of its own. `training.offline` reads the files.
"""
