"""SPDX licence expressions, such as `MIT`, `Apache-2.0 OR MIT` and `GPL-2.0-only WITH Classpath-exception-2.0`.

Whether a corpus may hold a file under an expression: `A OR B` is allowed if A or B is, `A AND B` if both are. An
exception after WITH only adds permissions, so it changes nothing. Who allows `GPL-2.0-only` also allows
`GPL-2.0-or-later`, since its receivers may choose that version. A file whose licence is not known is never allowed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

LONGEST_EXPRESSION = 500

KNOWN = (
    "0BSD",
    "AGPL-3.0-only",
    "AGPL-3.0-or-later",
    "Apache-2.0",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "EPL-2.0",
    "GPL-2.0-only",
    "GPL-2.0-or-later",
    "GPL-3.0-only",
    "GPL-3.0-or-later",
    "ISC",
    "LGPL-2.1-only",
    "LGPL-2.1-or-later",
    "LGPL-3.0-only",
    "LGPL-3.0-or-later",
    "MIT",
    "MPL-2.0",
    "Unlicense",
    "Zlib",
)
_SPELLED = {identifier.lower(): identifier for identifier in KNOWN}
_TOKEN = re.compile(r"\s*([()]|[A-Za-z0-9.+:-]+)")
_IDENTIFIER = re.compile(r"(?:DocumentRef-[A-Za-z0-9.-]+:)?[A-Za-z0-9][A-Za-z0-9.-]*\+?")
_GNU = re.compile(r"(a?l?gpl-\d\.\d)(\+?)", re.IGNORECASE)
_JOINS = ("AND", "OR")


def normalized(expression: str) -> str | None:
    """The expression in the spelling of SPDX, or None where it is none; `GPL-2.0+` becomes `GPL-2.0-or-later`."""
    terms = _terms(expression)
    return _as_text(terms) if terms is not None else None


def is_allowed(expression: str | None, licences: Iterable[str]) -> bool:
    """Whether a file under `expression` may be kept where `licences` are allowed."""
    terms = _terms(expression) if expression else None
    return terms is not None and _any_allowed(terms, frozenset(_allowed_identifiers(licences)))


_Factor = tuple[str, str | None] | list["_Product"]
_Product = list["_Factor"]


def _terms(expression: str) -> list[_Product] | None:
    """A sum of products: alternatives, of which each is what must be kept together."""
    if len(expression) > LONGEST_EXPRESSION:
        return None
    tokens = _TOKEN.findall(expression)
    if "".join(tokens) != "".join(expression.split()):
        return None
    try:
        terms = _sum(tokens)
    except (IndexError, ValueError, RecursionError):
        return None
    return None if tokens else terms


def _sum(tokens: list[str]) -> list[_Product]:
    products = [_product(tokens)]
    while tokens and tokens[0].upper() == "OR":
        tokens.pop(0)
        products.append(_product(tokens))
    return products


def _product(tokens: list[str]) -> _Product:
    factors = [_factor(tokens)]
    while tokens and tokens[0].upper() == "AND":
        tokens.pop(0)
        factors.append(_factor(tokens))
    return factors


def _factor(tokens: list[str]) -> _Factor:
    token = tokens.pop(0)
    if token == "(":
        terms = _sum(tokens)
        if tokens.pop(0) != ")":
            raise ValueError
        return terms
    if token.upper() in _JOINS or not _IDENTIFIER.fullmatch(token):
        raise ValueError
    return _identifier(token), _exception(tokens)


def _exception(tokens: list[str]) -> str | None:
    if not tokens or tokens[0].upper() != "WITH":
        return None
    exception = tokens[1]
    del tokens[:2]
    return exception


def _identifier(token: str) -> str:
    if gnu := _GNU.fullmatch(token):
        token = f"{gnu[1]}-{'or-later' if gnu[2] else 'only'}"
    return _SPELLED.get(token.lower(), token)


def _as_text(terms: list[_Product]) -> str:
    return " OR ".join(" AND ".join(map(_factor_text, product)) for product in terms)


def _factor_text(factor: _Factor) -> str:
    if isinstance(factor, list):
        return f"({_as_text(factor)})"
    identifier, exception = factor
    return f"{identifier} WITH {exception}" if exception else identifier


def _any_allowed(terms: list[_Product], allowed: frozenset[str]) -> bool:
    return any(all(_is_allowed(factor, allowed) for factor in product) for product in terms)


def _is_allowed(factor: _Factor, allowed: frozenset[str]) -> bool:
    return _any_allowed(factor, allowed) if isinstance(factor, list) else factor[0].lower() in allowed


def _allowed_identifiers(licences: Iterable[str]) -> Iterable[str]:
    for licence in licences:
        identifier = _identifier(licence.strip()).lower()
        yield identifier
        if identifier.endswith("-only"):
            yield identifier.removesuffix("-only") + "-or-later"
