"""Whether a text parses: by the grammar of its language, and for Python by Python's own compiler, too.

Nothing is executed. A caller that does not trust the text runs this in a process with limits, see
`foundry.evaluation.behaviour.judge`.
"""

from __future__ import annotations

import warnings
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from foundry.evaluation.behaviour.closing import closings, ends
from foundry.evaluation.behaviour.grammars import GRAMMARS, parser_of
from foundry.evaluation.behaviour.trees import nodes

if TYPE_CHECKING:
    from tree_sitter import Node, Tree

MAX_TEXT_BYTES = 200_000
MAX_SHOWN_ERRORS = 20


@dataclass(frozen=True)
class Syntax:
    """What the parser says of a text.

    Attributes:
        parses: neither an error nor something missing, up to `judged_characters`; in Python it compiles, too.
        judged_characters: how much of the text was judged; less than all where it was cut, see `closing`.
        error_nodes, missing_nodes: in the tree.
        error_share: of the judged bytes, those that stand in error nodes.
        complete_functions: those that end in what the model wrote, without an error in them.
        errors: first and last place, in characters, of the first errors.
        compiles: only for Python.
        problem: what the compiler says, or why the text was not judged; empty where it parses.
    """

    parses: bool
    judged_characters: int
    error_nodes: int = 0
    missing_nodes: int = 0
    error_share: float = 0.0
    complete_functions: int = 0
    errors: tuple[tuple[int, int], ...] = ()
    compiles: bool | None = None
    problem: str = ""

    def as_dict(self) -> dict[str, Any]:
        """The same as plain values."""
        return {**asdict(self), "errors": [list(span) for span in self.errors]}


def check_syntax(prompt: str, completion: str, language: str, is_cut: bool) -> Syntax:
    """Whether `prompt` and `completion` together parse.

    Args:
        is_cut: the completion was stopped by its length, so that it is judged up to an end that makes sense.
    """
    text, start = _bytes(prompt + completion), len(_bytes(prompt))
    if len(text) > MAX_TEXT_BYTES:
        return Syntax(False, 0, problem=f"has {len(text):,} bytes, more than the {MAX_TEXT_BYTES:,} that are judged")
    if not is_cut:
        return _judged(text, start, language, None, b"")
    places = ends(text, start, language)
    for place in places:
        for ending in closings(text[:place], language):
            found = _judged(text, start, language, place, ending)
            if found.parses:
                return found
    place = places[min(1, len(places) - 1)]
    return _judged(text, start, language, place, next(closings(text[:place], language)))


def _judged(text: bytes, start: int, language: str, cut_at: int | None, ending: bytes) -> Syntax:
    place = len(text) if cut_at is None else cut_at
    judged = text[:place] + ending
    tree = parser_of(language).parse(judged)
    bad = [node for node in nodes(tree) if node.is_error or node.is_missing] if tree.root_node.has_error else []
    errors = [node for node in bad if node.is_error]
    compiles, problem = _compiled(judged) if language == "python" else (None, "")
    return Syntax(
        parses=not bad and compiles is not False,
        judged_characters=_characters(text, place),
        error_nodes=len(errors),
        missing_nodes=len(bad) - len(errors),
        error_share=round(_covered(errors) / max(1, len(judged)), 4),
        complete_functions=_complete_functions(tree, language, start, text[:place], is_cut=cut_at is not None),
        errors=tuple(_span(text, node, place) for node in bad[:MAX_SHOWN_ERRORS]),
        compiles=compiles,
        problem=problem or ("" if not bad else _in_words(len(errors), len(bad) - len(errors))),
    )


def _complete_functions(tree: Tree, language: str, start: int, text: bytes, is_cut: bool) -> int:
    """Functions that end in what the model wrote, and not by its closing; one that may go on is not complete."""
    grammar = GRAMMARS[language]
    may_go_on = is_cut and grammar.is_indented
    return sum(
        node.type in grammar.functions
        and start < node.end_byte <= len(text)
        and not node.has_error
        and _has_body(node)
        and not (may_go_on and not text[node.end_byte :].strip())
        for node in nodes(tree)
    )


def _has_body(node: Node) -> bool:
    return node.child_by_field_name("body") is not None


def _covered(errors: list[Node]) -> int:
    """Bytes in error nodes, those of nested ones once."""
    covered, reached = 0, 0
    for node in errors:
        covered += max(0, node.end_byte - max(node.start_byte, reached))
        reached = max(reached, node.end_byte)
    return covered


def _compiled(text: bytes) -> tuple[bool, str]:
    """Whether Python's compiler takes a text, and what it says otherwise."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            compile(text.decode("utf-8"), "<text>", "exec", dont_inherit=True)
    except SyntaxError as error:
        return False, f"line {error.lineno}: {error.msg}"
    except (ValueError, RecursionError, MemoryError, OverflowError) as error:
        return False, f"{type(error).__name__}: {error}"
    return True, ""


def _span(text: bytes, node: Node, place: int) -> tuple[int, int]:
    first = min(node.start_byte, place)
    return _characters(text, first), _characters(text, max(first, min(node.end_byte, place)))


def _in_words(errors: int, missing: int) -> str:
    parts = [f"{errors} error{'s' * (errors > 1)}"] * bool(errors) + [f"{missing} missing"] * bool(missing)
    return ", ".join(parts)


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "replace")


def _characters(text: bytes, place: int) -> int:
    return len(text[:place].decode("utf-8", "ignore"))
