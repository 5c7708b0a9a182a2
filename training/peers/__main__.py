"""Run every peer whose library is here: python -m training.peers SPLIT LISTS TRIALS SEED."""

import sys
from importlib.util import find_spec
from pathlib import Path

from training.peers.exchange import read_split, write_lists
from training.peers.families import FAMILIES
from training.peers.search import compete


def main() -> None:
    """Tell on stdout, one line a step, how far it is: "DONE TOTAL NAME"."""
    split = read_split(Path(sys.argv[1]))
    trials, seed = int(sys.argv[3]), int(sys.argv[4])
    families = {name: one for name, one in FAMILIES.items() if find_spec(one.needs)}
    lists = {}
    for place, (name, family) in enumerate(families.items()):

        def progress(trial: int, place: int = place, name: str = name) -> None:
            sys.stdout.write(f"{place * trials + trial} {len(families) * trials} {name}\n")
            sys.stdout.flush()

        lists[name] = compete(split, family, trials, seed, progress)
    write_lists(Path(sys.argv[2]), lists)


if __name__ == "__main__":
    main()
