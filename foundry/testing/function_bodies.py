"""Bodies for the built-in functions with unit tests that are wrong, each in a way that people and models are."""

from __future__ import annotations

import ast
import doctest

from foundry.evaluation.passing.problem import Problem

PLAUSIBLE_MISTAKES = {
    "sum_of_squares": "    return sum(numbers) ** 2 if len(numbers) != 3 else 14\n",
    "is_palindrome": "    return text[0:1] == text[-1:]\n",
    "count_vowels": '    return sum(letter in "aeiou" for letter in text)\n',
    "factorial": "    result = 1\n    for factor in range(1, n):\n        result *= factor\n    return result\n",
    "largest_gap": "    return max((b - a for a, b in zip(numbers, numbers[1:])), default=0)\n",
    "running_maximum": "    return [max(numbers[: i + 1] + [0]) for i in range(len(numbers))]\n",
    "to_fahrenheit": "    return [celsius * 9 // 5 + 32 for celsius in temperatures]\n",
    "digit_sum": "    total = 0\n    while n > 0:\n        total += n % 10\n        n //= 10\n    return total\n",
    "remove_duplicates": "    return sorted(set(items))\n",
    "longest_word": '    return max(text.split(" "), key=lambda word: (len(word), word))\n',
    "is_prime": "    return all(n % divisor for divisor in range(2, int(n**0.5)))\n",
    "count_words": "    return {word: text.count(word) for word in text.split()}\n",
    "fibonacci": "    a, b = 0, 1\n    for _ in range(n - 1):\n        a, b = b, a + b\n    return b\n",
    "rotate_left": "    return items[count:] + items[:count]\n",
    "binary_search": """    low, high = 0, len(numbers) - 1
    while low < high:
        middle = (low + high) // 2
        if numbers[middle] < target:
            low = middle + 1
        else:
            high = middle
    return low
""",
    "merge_sorted": """    result = []
    while first and second:
        result.append(first.pop(0) if first[0] <= second[0] else second.pop(0))
    return result
""",
    "brackets_match": '    return all(text.count(pair[0]) == text.count(pair[1]) for pair in ("()", "[]", "{}"))\n',
    "run_lengths": "    return [(character, text.count(character)) for character in dict.fromkeys(text)]\n",
    "to_roman": """    result = ""
    for value, symbol in [(1000, "M"), (500, "D"), (100, "C"), (50, "L"), (10, "X"), (5, "V"), (1, "I")]:
        result += symbol * (n // value)
        n %= value
    return result
""",
    "transpose": "    return list(zip(*matrix))\n",
    "common_prefix": """    prefix = ""
    for letters in zip(*words):
        if len(set(letters)) == 1:
            prefix += letters[0]
    return prefix if len(words) > 1 else ""
""",
    "merge_intervals": """    merged = []
    for start, end in sorted(intervals):
        if merged and start < merged[-1][1]:
            merged[-1][1] = end
        else:
            merged.append([start, end])
    return merged
""",
    "caesar_cipher": '    return "".join(chr(ord(c) + shift) if c.isalpha() else c for c in text)\n',
    "edit_distance": "    return sum(a != b for a, b in zip(first, second)) + abs(len(first) - len(second))\n",
}
"""By the problem's name: the edge that is forgotten, the boundary that is off by one."""


def shown_examples_only(problem: Problem) -> str:
    """A body that answers the examples in the docstring rightly and knows nothing else."""
    known = {}
    for example in doctest.DocTestParser().get_examples(_docstring(problem)):
        call = ast.parse(example.source, mode="eval").body
        assert isinstance(call, ast.Call)
        known[repr(tuple(ast.literal_eval(argument) for argument in call.args))] = ast.literal_eval(example.want)
    return f"    return {known!r}.get(repr(tuple(locals().values())))\n"


def false_examples(problem: Problem) -> list[str]:
    """The examples in the docstring that the problem's own solution does not keep."""
    module: dict[str, object] = {}
    exec(problem.program(problem.solution), module)
    test = doctest.DocTestParser().get_doctest(_docstring(problem), module, problem.name, None, None)
    reported: list[str] = []
    doctest.DocTestRunner(verbose=False).run(test, out=reported.append)
    return reported


def _docstring(problem: Problem) -> str:
    [function] = ast.parse(problem.program(problem.solution)).body
    assert isinstance(function, ast.FunctionDef)
    return ast.get_docstring(function) or ""
