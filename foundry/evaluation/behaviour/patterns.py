"""What a text holds that is typical of its language, counted by regular expressions that take time in line with it."""

from __future__ import annotations

import re

PATTERNS: dict[str, dict[str, str]] = {
    "c": {
        "include": r"^#include\b",
        "function": r"^\w[\w \t*]*\([^;{}()]*\)\s*\{",
        "struct": r"\b(struct|enum|union)\s+\w+",
        "condition": r"\bif\s*\(",
        "loop": r"\b(for|while)\s*\(",
        "return": r"\breturn\b",
        "comment": r"//|/\*",
    },
    "go": {
        "import": r"^import\b",
        "function": r"^func\b",
        "type": r"^type\s+\w+",
        "error check": r"\bif err != nil\b",
        "loop": r"\bfor\b",
        "return": r"\breturn\b",
        "comment": r"//|/\*",
    },
    "java": {
        "import": r"^import\b",
        "class": r"\b(class|interface|enum|record)\s+\w+",
        "modifier": r"\b(public|private|protected)\b",
        "condition": r"\bif\s*\(",
        "loop": r"\b(for|while)\s*\(",
        "return": r"\breturn\b",
        "comment": r"//|/\*",
    },
    "javascript": {
        "import": r"^import\b|\brequire\(",
        "function": r"\bfunction\b|=>",
        "class": r"\bclass\s+\w+",
        "declaration": r"\b(const|let|var)\s+",
        "condition": r"\bif\s*\(",
        "loop": r"\b(for|while)\s*\(",
        "return": r"\breturn\b",
        "comment": r"//|/\*",
    },
    "python": {
        "import": r"^[ \t]*(import|from)\s+\w",
        "function": r"^[ \t]*(async )?def\s+\w+",
        "class": r"^[ \t]*class\s+\w+",
        "condition": r"^[ \t]*(if|elif)\b",
        "loop": r"^[ \t]*(for|while)\b",
        "return": r"^[ \t]*(return|yield)\b",
        "docstring": r'"""',
        "comment": r"#",
    },
    "rust": {
        "use": r"^[ \t]*use\s+\w",
        "function": r"\bfn\s+\w+",
        "type": r"\b(struct|enum|trait|impl)\b",
        "match": r"\bmatch\b",
        "binding": r"\blet\b",
        "loop": r"\b(for|while|loop)\b",
        "comment": r"//|/\*",
    },
}


def patterns_found(text: str, language: str) -> dict[str, int]:
    """How often each pattern of a language stands in a text; those that do not are left out."""
    counts = {
        name: sum(1 for _ in re.finditer(pattern, text, re.MULTILINE)) for name, pattern in PATTERNS[language].items()
    }
    return {name: count for name, count in counts.items() if count}
