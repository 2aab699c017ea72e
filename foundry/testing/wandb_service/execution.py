"""Answers GraphQL documents from Python objects: a field is a method, and what has no method is unknown."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

from foundry.testing.wandb_service.documents import Directive, Document, Field, Fragment, Selection, Spread, Variable

Resolver = TypeVar("Resolver", bound=Callable[..., Any])

ALTERNATIVES = frozenset(("Run", "User", "ArtifactSequence", "ArtifactPortfolio"))
"""Types of which a client may ask for fields where another of them stands."""


class UnknownRequest(Exception):
    """The client asks for something that the service does not know."""


class Refused(Exception):
    """The service knows what is asked, and refuses it with this message."""


def answers(*unused: str) -> Callable[[Resolver], Resolver]:
    """Mark a method as the answer to the field of its name; `unused` are arguments that it may get and does without.

    The field `historyLineCount(maxStep: 3)` is the method `history_line_count(self, max_step=3)`; an argument that
    would hide a builtin ends in an underscore. The fields of an argument `input` are given as arguments themselves.
    """

    def mark(method: Resolver) -> Resolver:
        method.unused_arguments = {"client_mutation_id", *unused}  # type: ignore[attr-defined]
        return method

    return mark


class GraphQLObject:
    """An object that can be asked for fields: methods marked with `answers`, or values known beforehand.

    Attributes:
        types: the GraphQL type of the object, then the interfaces that it implements.
        fields: the answers that are known, by the names of their fields in GraphQL.
    """

    types: tuple[str, ...] = ()

    def __init__(self, **fields: Any) -> None:
        self.fields: Mapping[str, Any] = fields


class Fields(GraphQLObject):
    """An object of the GraphQL type `kind` that has nothing but the given fields."""

    def __init__(self, kind: str, **fields: Any) -> None:
        super().__init__(**fields)
        self.types = (kind,)


def execute(document: Document, variables: Mapping[str, Any], root: GraphQLObject) -> dict[str, Any]:
    """The `data` of the answer; raises `UnknownRequest`, or what a field raises."""
    return _Execution(document, {**document.defaults, **variables}).object(root, document.selections)


def snake_case(name: str) -> str:
    """`historyLineCount` as `history_line_count`."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


class _Execution:
    def __init__(self, document: Document, variables: Mapping[str, Any]) -> None:
        self._document = document
        self._variables = variables

    def object(self, asked: GraphQLObject, selections: tuple[Selection, ...]) -> dict[str, Any]:
        answer: dict[str, Any] = {}
        for field in self._fields(asked, selections):
            value = self._value(asked, field)
            known = answer.get(field.key)
            # Two fragments may ask for different fields of one object.
            answer[field.key] = {**known, **value} if isinstance(known, dict) and isinstance(value, dict) else value
        return answer

    def _fields(self, asked: GraphQLObject, selections: tuple[Selection, ...]) -> Iterator[Field]:
        for selection in selections:
            if not all(self._allows(directive) for directive in selection.directives):
                continue
            if isinstance(selection, Field):
                yield selection
                continue
            fragment = self._fragment(selection)
            if fragment.on is None or fragment.on in asked.types:
                yield from self._fields(asked, fragment.selections)
            elif fragment.on not in ALTERNATIVES:
                raise UnknownRequest(f"the type {fragment.on!r} where {asked.types[0]} stands")

    def _fragment(self, selection: Fragment | Spread) -> Fragment:
        return self._document.fragments[selection.fragment] if isinstance(selection, Spread) else selection

    def _allows(self, directive: Directive) -> bool:
        if directive.name not in ("include", "skip"):
            raise UnknownRequest(f"the directive @{directive.name}")
        return bool(self._given(directive.arguments["if"])) == (directive.name == "include")

    def _given(self, value: Any) -> Any:
        if isinstance(value, Variable):
            return self._variables.get(value.name)
        if isinstance(value, list):
            return [self._given(item) for item in value]
        if isinstance(value, dict):
            return {name: self._given(item) for name, item in value.items()}
        return value

    def _value(self, asked: GraphQLObject, field: Field) -> Any:
        if field.name == "__typename":
            return asked.types[0]
        if field.name in asked.fields and not field.arguments:
            return self._answer(asked.fields[field.name], field)
        method = getattr(type(asked), snake_case(field.name), None)
        if method is None or not hasattr(method, "unused_arguments"):
            raise UnknownRequest(f"the field {field.name!r} of {asked.types[0]}")
        return self._answer(method(asked, **self._arguments(asked, field, method)), field)

    def _arguments(self, asked: GraphQLObject, field: Field, method: Any) -> dict[str, Any]:
        given = {name: self._given(value) for name, value in field.arguments.items()}
        given.update(given.pop("input", None) or {})
        known = {name.rstrip("_"): name for name in list(inspect.signature(method).parameters)[1:]}
        values: dict[str, Any] = {}
        for name, value in given.items():
            argument = snake_case(name)
            if argument in known:
                values[known[argument]] = value
            elif argument not in method.unused_arguments:
                raise UnknownRequest(f"the argument {name!r} of the field {field.name!r} of {asked.types[0]}")
        return values

    def _answer(self, value: Any, field: Field) -> Any:
        if isinstance(value, GraphQLObject):
            return self.object(value, field.selections)
        if isinstance(value, list) and value and isinstance(value[0], GraphQLObject):
            return [self.object(item, field.selections) for item in value]
        return value
