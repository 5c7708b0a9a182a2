"""Cut a large tree into trees of few enough leaves that add up to it."""

from collections.abc import Iterator

import numpy as np

from ranking.forest.tree import ModelRejected, Tree


def pieces(tree: Tree, most_leaves: int) -> Iterator[Tree]:
    """Yield trees of at most ``most_leaves`` leaves: one gives the tree's value, the others 0.

    A piece is a subtree with the path that leads to it; whatever leaves the path scores 0, and
    so does the place of the subtree in what remains. Raises ModelRejected if a path is so long
    that it leaves no room for the subtree.
    """
    while len(tree.value) > most_leaves:
        path, subtree = _cut(tree, most_leaves)
        rest = [node for node in range(len(tree.left)) if node not in subtree]
        yield _keep(tree, path + sorted(subtree), subtree)
        tree = _keep(tree, rest, {*rest})
    yield tree


def _cut(tree: Tree, most_leaves: int) -> tuple[list[int], set[int]]:
    """Follow the larger child until what hangs below fits, together with the path."""
    size, path, node = tree.sizes(), list[int](), 0
    while len(path) + size[node] > most_leaves:
        path.append(node)
        children = int(tree.left[node]), int(tree.right[node])
        node = max(children, key=lambda child: 0 if child < 0 else size[child])
        if node < 0:
            raise ModelRejected(f"a path of {len(path)} splits is too long")
    subtree = {node}
    for parent in range(node, len(tree.left)):
        if parent in subtree:
            subtree |= {int(c) for c in (tree.left[parent], tree.right[parent]) if c >= 0}
    return path, subtree


def _keep(tree: Tree, nodes: list[int], counting: set[int]) -> Tree:
    """Rebuild the tree from some of its nodes; only leaves of ``counting`` nodes keep a value."""
    number = {node: i for i, node in enumerate(nodes)}
    values: list[float] = []

    def renumber(parent: int, child: int) -> int:
        if child in number:
            return number[child]
        values.append(float(tree.value[~child]) if child < 0 and parent in counting else 0.0)
        return -len(values)

    left = [renumber(node, int(tree.left[node])) for node in nodes]
    right = [renumber(node, int(tree.right[node])) for node in nodes]
    return Tree(
        tree.feature[nodes],
        tree.threshold[nodes],
        tree.decision[nodes],
        np.array(left, np.int64),
        np.array(right, np.int64),
        np.array(values, np.float64),
        tree.categories,
    )
