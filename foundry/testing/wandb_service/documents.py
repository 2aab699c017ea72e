"""GraphQL documents as clients send them, read into trees: operations, fields, fragments, arguments, directives."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

TOKEN = re.compile(
    r"""(?P<ignored>[\s,\ufeff]+|\#[^\n]*)
      | (?P<block>\"\"\"(?:.|\n)*?\"\"\")
      | (?P<string>"(?:[^"\\\n]|\\.)*")
      | (?P<number>-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)
      | (?P<name>[A-Za-z_]\w*)
      | (?P<mark>\.\.\.|[!$():=@\[\]{}|&])""",
    re.VERBOSE,
)
CONSTANTS: dict[str, Any] = {"true": True, "false": False, "null": None}


class DocumentError(ValueError):
    """The text is no GraphQL document that can be read here."""


@dataclass(frozen=True)
class Variable:
    """A value that the request gives beside its document."""

    name: str


@dataclass(frozen=True)
class Directive:
    """`@include(if: ...)` or `@skip(if: ...)`; others are refused when the document is executed."""

    name: str
    arguments: Mapping[str, Any]


@dataclass(frozen=True)
class Field:
    """One field that is asked for; `key` is its name in the answer."""

    key: str
    name: str
    arguments: Mapping[str, Any]
    directives: tuple[Directive, ...]
    selections: tuple[Selection, ...]


@dataclass(frozen=True)
class Fragment:
    """Fields asked of objects of the type `on`, or of every type where it is None."""

    on: str | None
    directives: tuple[Directive, ...]
    selections: tuple[Selection, ...]


@dataclass(frozen=True)
class Spread:
    """The place where a named fragment is put in."""

    fragment: str
    directives: tuple[Directive, ...]


Selection = Field | Fragment | Spread


@dataclass(frozen=True)
class Document:
    """A document with one operation.

    Attributes:
        kind: `query` or `mutation`.
        operation: its name.
        defaults: the variables that it declares, each with the value it has when the request gives none.
        fragments: the named fragments beside the operation.
    """

    kind: str
    operation: str
    defaults: Mapping[str, Any]
    selections: tuple[Selection, ...]
    fragments: Mapping[str, Fragment] = field(default_factory=dict)


def parse_document(text: str) -> Document:
    """The document in `text`; raises `DocumentError` for what is none, or has not exactly one named operation."""
    return _Parser(text).document()


def _tokens(text: str) -> Iterator[tuple[str, str]]:
    position = 0
    while position < len(text):
        found = TOKEN.match(text, position)
        if found is None:
            raise DocumentError(f"cannot read {text[position : position + 20]!r} at {position}")
        position = found.end()
        kind = str(found.lastgroup)
        if kind != "ignored":
            yield kind, found.group()
    yield "end", ""


class _Parser:
    """Reads one document by recursive descent."""

    def __init__(self, text: str) -> None:
        self._tokens = list(_tokens(text))
        self._position = 0

    def document(self) -> Document:
        operations: list[Document] = []
        fragments: dict[str, Fragment] = {}
        while self._kind != "end":
            word = self._name()
            if word == "fragment":
                name = self._name()
                fragments[name] = self._fragment()
            elif word in ("query", "mutation"):
                operations.append(self._operation(word))
            else:
                raise DocumentError(f"{word!r} begins neither an operation nor a fragment")
        if len(operations) != 1:
            raise DocumentError(f"one operation is expected, found {len(operations)}")
        found = operations[0]
        return Document(found.kind, found.operation, found.defaults, found.selections, fragments)

    @property
    def _kind(self) -> str:
        return self._tokens[self._position][0]

    @property
    def _text(self) -> str:
        return self._tokens[self._position][1]

    def _next(self) -> str:
        text = self._text
        self._position += 1
        return text

    def _name(self) -> str:
        if self._kind != "name":
            raise DocumentError(f"a name is expected, found {self._text!r}")
        return self._next()

    def _expect(self, mark: str) -> None:
        if self._text != mark:
            raise DocumentError(f"{mark!r} is expected, found {self._text!r}")
        self._next()

    def _take(self, mark: str) -> bool:
        found = self._kind in ("mark", "name") and self._text == mark
        if found:
            self._next()
        return found

    def _operation(self, kind: str) -> Document:
        name = self._name()
        defaults: dict[str, Any] = {}
        if self._take("("):
            while not self._take(")"):
                self._expect("$")
                variable = self._name()
                self._expect(":")
                self._type()
                defaults[variable] = self._value() if self._take("=") else None
        return Document(kind, name, defaults, self._selections())

    def _type(self) -> None:
        if self._take("["):
            self._type()
            self._expect("]")
        else:
            self._name()
        self._take("!")

    def _selections(self) -> tuple[Selection, ...]:
        self._expect("{")
        found: list[Selection] = []
        while not self._take("}"):
            found.append(self._selection())
        return tuple(found)

    def _selection(self) -> Selection:
        if not self._take("..."):
            return self._field()
        if self._kind == "name" and self._text != "on":
            return Spread(self._name(), self._directives())
        return self._fragment()

    def _fragment(self) -> Fragment:
        on = self._name() if self._take("on") else None
        return Fragment(on, self._directives(), self._selections())

    def _field(self) -> Field:
        key = name = self._name()
        if self._take(":"):
            name = self._name()
        arguments, directives = self._arguments(), self._directives()
        return Field(key, name, arguments, directives, self._selections() if self._text == "{" else ())

    def _arguments(self) -> dict[str, Any]:
        return self._named_values(")") if self._take("(") else {}

    def _named_values(self, end: str) -> dict[str, Any]:
        values: dict[str, Any] = {}
        while not self._take(end):
            name = self._name()
            self._expect(":")
            values[name] = self._value()
        return values

    def _directives(self) -> tuple[Directive, ...]:
        found: list[Directive] = []
        while self._take("@"):
            found.append(Directive(self._name(), self._arguments()))
        return tuple(found)

    def _value(self) -> Any:
        if self._take("$"):
            return Variable(self._name())
        if self._take("["):
            values = []
            while not self._take("]"):
                values.append(self._value())
            return values
        if self._take("{"):
            return self._named_values("}")
        kind, text = self._kind, self._next()
        if kind in ("string", "number"):
            return json.loads(text)
        if kind == "name":
            return CONSTANTS.get(text, text)
        raise DocumentError(f"a value is expected, found {text!r}")
