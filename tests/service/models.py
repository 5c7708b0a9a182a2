"""Small artifacts to swap between, and what may be done to one by a careless or hostile hand."""

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from tests.sealing import reseal
from tests.training.worlds import small_world
from training.train import train


def publish(folder: Path, *, world: str, items: int = 60, seed: int = 0) -> str:
    """Publish a model of a small world whose items all say which world they are of."""
    dataset = small_world(n_items=items, seed=seed)
    catalogue = replace(
        dataset.catalogue,
        properties=tuple({**shown, "world": world} for shown in dataset.catalogue.properties),
    )
    return train(replace(dataset, catalogue=catalogue), folder).name


def rewrite_forest(folder: Path, change: Callable[[str], str]) -> None:
    """Change the lines of every tree, and make sizes and seals fit again."""
    path = folder / "ranker.txt"
    body, end, tail = path.read_text().partition("\nend of trees\n")
    head, *trees = re.split(r"(?m)^(?=Tree=)", f"{body}\n")
    trees = [change(tree) for tree in trees]
    sizes = " ".join(str(len(tree.encode())) for tree in trees)
    head = re.sub(r"(?m)^tree_sizes=.*$", f"tree_sizes={sizes}", head)
    path.write_text(f"{head}{''.join(trees)}"[:-1] + end + tail)
    reseal(folder)


def rewrite_line(name: str, change: Callable[[list[str]], list[str]]) -> Callable[[str], str]:
    """Return a change of the line of that name in a tree, by its values."""

    def changed(tree: str) -> str:
        lines = tree.split("\n")
        for number, line in enumerate(lines):
            key, equals, values = line.partition("=")
            if key == name and equals:
                lines[number] = f"{key}={' '.join(change(values.split()))}"
        return "\n".join(lines)

    return changed
