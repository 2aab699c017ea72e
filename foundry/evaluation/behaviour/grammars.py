"""The languages whose syntax is judged, each by the grammar that its tree-sitter package carries."""

from __future__ import annotations

import functools
import importlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from foundry.errors import UserError

if TYPE_CHECKING:
    from tree_sitter import Parser


@dataclass(frozen=True)
class Grammar:
    """What is to be known of a language to judge a text in it.

    Attributes:
        package: carries the grammar.
        functions: the kinds of nodes that are functions or methods.
        spanning: what closes strings and comments that may span lines.
        terminator: ends a statement.
        is_indented: blocks are indented, not in braces.
    """

    package: str
    functions: frozenset[str]
    spanning: tuple[str, ...] = ("*/",)
    terminator: str = ";"
    is_indented: bool = False


GRAMMARS = {
    "c": Grammar("tree_sitter_c", frozenset({"function_definition"})),
    "go": Grammar("tree_sitter_go", frozenset({"function_declaration", "method_declaration"}), ("*/", "`"), ""),
    "java": Grammar("tree_sitter_java", frozenset({"method_declaration", "constructor_declaration"})),
    "javascript": Grammar(
        "tree_sitter_javascript",
        frozenset(
            {
                "function_declaration",
                "generator_function_declaration",
                "function_expression",
                "method_definition",
                "arrow_function",
            }
        ),
        ("*/", "`"),
    ),
    "python": Grammar("tree_sitter_python", frozenset({"function_definition"}), ('"""', "'''"), "", is_indented=True),
    "rust": Grammar("tree_sitter_rust", frozenset({"function_item"})),
}


@functools.cache
def parser_of(language: str) -> Parser:
    """The parser of a language.

    Raises:
        UserError: its library is not installed.
    """
    try:
        from tree_sitter import Language, Parser

        grammar = importlib.import_module(GRAMMARS[language].package)
    except ModuleNotFoundError as error:
        raise UserError(
            f"judging {language} needs {error.name}; install it with `pip install 'foundry-lm[pipeline]'`"
        ) from error
    return Parser(Language(grammar.language()))


def require_grammars(languages: set[str]) -> None:
    """Refuse languages whose library is not installed, before work is spent.

    Raises:
        UserError: see `parser_of`.
    """
    for language in sorted(languages):
        parser_of(language)
