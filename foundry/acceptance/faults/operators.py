"""Mutation operators: small changes of a source text at which a good suite turns red.

The five operators that Offutt et al. (1996, "An experimental determination of sufficient mutant operators", ACM
TOSEM 5(2)) found sufficient, as far as Python has them, and statement deletion (Untch 2009):

- arithmetic: one operator becomes its counterpart (`+` and `-`, `*` and `//`);
- relational: a boundary moves (`<` becomes `<=`), an equality or membership is reversed;
- connector: `and` becomes `or`, and the other way round;
- constant: a number grows by one, a truth value is reversed;
- condition: a condition is negated, a sign or a `not` is dropped;
- deletion: a statement is taken out;
- return: a function returns nothing.

Changes are made to the text by position, so that nothing else of a file changes. What no behaviour depends on is
left alone: docstrings, messages, annotations, decorators, assertions, exports, what is told to the user.
"""

from __future__ import annotations

import ast
import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

ARITHMETIC: dict[type[ast.operator], tuple[str, str]] = {
    ast.Add: ("+", "-"),
    ast.Sub: ("-", "+"),
    ast.Mult: ("*", "//"),
    ast.Div: ("/", "*"),
    ast.FloorDiv: ("//", "*"),
    ast.Mod: ("%", "*"),
    ast.Pow: ("**", "*"),
}
RELATIONAL: dict[type[ast.cmpop], tuple[str, str]] = {
    ast.Lt: ("<", "<="),
    ast.LtE: ("<=", "<"),
    ast.Gt: (">", ">="),
    ast.GtE: (">=", ">"),
    ast.Eq: ("==", "!="),
    ast.NotEq: ("!=", "=="),
    ast.Is: ("is", "is not"),
    ast.IsNot: ("is not", "is"),
    ast.In: ("in", "not in"),
    ast.NotIn: ("not in", "in"),
}
TOLD_BY = re.compile(r"^(log|logger|logging|warnings?|warn|print|report|say|tell|note|show|progress|console)$")
"""Names of what speaks to the user; which words it says is no behaviour that a mutant should change."""


@dataclass(frozen=True)
class Mutation:
    """One change of a source text.

    Attributes:
        line: where it begins, from 1.
        start, end: what is replaced, in bytes from the beginning of the file.
    """

    operator: str
    line: int
    start: int
    end: int
    replaced: str
    replacement: str

    def applied(self, text: str) -> str:
        """`text` with the change in it."""
        source = text.encode()
        return (source[: self.start] + self.replacement.encode() + source[self.end :]).decode()

    def __str__(self) -> str:
        if self.operator == "deletion":
            return f"without `{_one_line(self.replaced)}`"
        return f"`{_one_line(self.replacement)}` for `{_one_line(self.replaced)}`"


def mutations(text: str) -> list[Mutation]:
    """Every mutation of a source text that is a program again, in the order of their places."""
    source = Source(text)
    found = sorted(source.mutations(), key=lambda it: (it.start, it.end, it.replacement))
    return [mutation for mutation in found if _is_program(mutation.applied(text))]


def _is_program(text: str) -> bool:
    try:
        compile(text, "mutant", "exec", dont_inherit=True)
    except SyntaxError:
        return False
    return True


def _one_line(text: str) -> str:
    words = " ".join(text.split())
    return words if len(words) <= 60 else words[:57] + "..."


class Source:
    """A source text, its syntax tree, and where the parts of the tree stand in it."""

    def __init__(self, text: str) -> None:
        self._bytes = text.encode()
        self._tree = ast.parse(text)
        lengths = (len(line) for line in self._bytes.splitlines(keepends=True))
        self._line_starts = [0, *itertools.accumulate(lengths)]

    def mutations(self) -> Iterator[Mutation]:
        """Every change that an operator makes."""
        yield from self._below(self._tree)

    def _below(self, node: ast.AST) -> Iterator[Mutation]:
        yield from self._at(node)
        for child in _behaviour(node):
            yield from self._below(child)

    def _at(self, node: Any) -> Iterator[Mutation]:
        match node:
            case ast.BinOp(op=op) if type(op) in ARITHMETIC and not _is_text(node):
                yield from self._between("arithmetic", node.left, node.right, *ARITHMETIC[type(op)])
            case ast.AugAssign(op=op) if type(op) in ARITHMETIC and not _is_text(node.value):
                token, other = ARITHMETIC[type(op)]
                yield from self._between("arithmetic", node.target, node.value, f"{token}=", f"{other}=")
            case ast.Compare():
                for left, sign, right in zip([node.left, *node.comparators], node.ops, node.comparators, strict=False):
                    yield from self._between("relational", left, right, *RELATIONAL[type(sign)])
            case ast.BoolOp():
                words = ("and", "or") if isinstance(node.op, ast.And) else ("or", "and")
                for left, right in itertools.pairwise(node.values):
                    yield from self._between("connector", left, right, *words)
            case ast.Constant(value=bool() as value):
                yield self._instead("constant", node, str(not value))
            case ast.Constant(value=int() | float() as value):
                yield self._instead("constant", node, str(value + 1))
            case ast.UnaryOp(op=ast.USub() | ast.Not()):
                yield self._instead("condition", node, f"({self._text(node.operand)})")
            case ast.If() | ast.While() | ast.IfExp() if not isinstance(node.test, ast.Compare | ast.UnaryOp):
                yield self._instead("condition", node.test, f"(not ({self._text(node.test)}))")
            case ast.Return(value=ast.expr() as value) if not _is_none(value):
                yield self._instead("return", value, "None")
            case ast.Expr() | ast.Raise() | ast.Delete() | ast.Continue() | ast.Break():
                yield self._instead("deletion", node, "pass")
            case ast.Assign(targets=[ast.Attribute() | ast.Subscript()]):
                yield self._instead("deletion", node, "pass")
        if isinstance(node, ast.AugAssign):
            yield self._instead("deletion", node, "pass")

    def _between(self, operator: str, left: ast.expr, right: ast.expr, token: str, other: str) -> Iterator[Mutation]:
        """The replacement of the operator `token` that stands between two expressions."""
        start, end = self._end(left), self._start(right)
        gap = self._bytes[start:end]
        words = rb"\s+".join(re.escape(word.encode()) for word in token.split())
        found = re.search(words, gap)
        if found and b"#" not in gap:
            yield self._change(operator, start + found.start(), start + found.end(), other)

    def _instead(self, operator: str, node: ast.expr | ast.stmt, replacement: str) -> Mutation:
        return self._change(operator, self._start(node), self._end(node), replacement)

    def _change(self, operator: str, start: int, end: int, replacement: str) -> Mutation:
        line = self._bytes.count(b"\n", 0, start) + 1
        return Mutation(operator, line, start, end, self._bytes[start:end].decode(), replacement)

    def _start(self, node: ast.expr | ast.stmt) -> int:
        return self._line_starts[node.lineno - 1] + node.col_offset

    def _end(self, node: ast.expr | ast.stmt) -> int:
        assert node.end_lineno is not None and node.end_col_offset is not None
        return self._line_starts[node.end_lineno - 1] + node.end_col_offset

    def _text(self, node: ast.expr) -> str:
        return self._bytes[self._start(node) : self._end(node)].decode()


def _behaviour(node: ast.AST) -> Iterator[ast.AST]:
    """The parts of `node` that behaviour depends on."""
    unseen = {"annotation", "returns", "decorator_list", "type_params"}
    if isinstance(node, ast.Raise):
        return
    for name, value in ast.iter_fields(node):
        if name in unseen:
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST) and not _is_idle(child):
                yield child


def _is_idle(node: ast.AST) -> bool:
    """Whether `node` and what is below it says something, and does nothing."""
    match node:
        case ast.Expr(value=ast.Constant()) | ast.JoinedStr() | ast.Assert() | ast.Import() | ast.ImportFrom():
            return True
        case ast.If(test=ast.Name(id="TYPE_CHECKING")) | ast.If(test=ast.Attribute(attr="TYPE_CHECKING")):
            return True
        case ast.If(test=ast.Compare(left=ast.Name(id="__name__"))):
            return True
        case ast.Assign(targets=[ast.Name(id="__all__")]):
            return True
        case ast.Call(func=function):
            return any(TOLD_BY.match(name.strip("_")) for name in _names(function))
        case ast.Expr(value=value):
            return _is_idle(value)
    return False


def _names(function: ast.expr) -> Iterator[str]:
    while isinstance(function, ast.Attribute):
        yield function.attr
        function = function.value
    if isinstance(function, ast.Name):
        yield function.id


def _is_text(node: ast.expr) -> bool:
    """Whether an expression is surely a text or a list, to which arithmetic means something else."""
    match node:
        case ast.BinOp(left=left, right=right):
            return _is_text(left) or _is_text(right)
        case ast.JoinedStr() | ast.List() | ast.ListComp() | ast.Tuple() | ast.Constant(value=str() | bytes()):
            return True
    return False


def _is_none(value: ast.expr) -> bool:
    return isinstance(value, ast.Constant) and value.value is None
