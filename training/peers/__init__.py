"""The recommenders that the evaluation compares with, in an environment of their own.

    python -m training.peers SPLIT.npz LISTS.npz

reads the split, searches each family's parameters on a validation cut of the training part, and
writes what each recommends. Nothing here may import the rest of the project: it runs on another
Python. Nobody's test interactions come here, so nothing can be tuned on them.

    exchange   the two files
    families   each peer: its parameters' ranges, and how it scores all items
    search     the same number of random trials for each
"""
