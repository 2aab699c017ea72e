"""Walks over syntax trees that need no stack of their own: what a model writes may be nested a thousand deep."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tree_sitter import Node, Tree


def nodes(tree: Tree) -> Iterator[Node]:
    """Every node of a tree, each before its children, in the order of the text."""
    cursor = tree.walk()
    while True:
        if (node := cursor.node) is not None:
            yield node
        if cursor.goto_first_child() or cursor.goto_next_sibling():
            continue
        while cursor.goto_parent():
            if cursor.goto_next_sibling():
                break
        else:
            return


def leaves(tree: Tree, text: bytes) -> Iterator[tuple[int, bytes]]:
    """The tokens of a text with their places in bytes; strings and comments are in one piece or named otherwise."""
    for node in nodes(tree):
        if node.child_count == 0 and not node.is_named:
            yield node.start_byte, text[node.start_byte : node.end_byte]
