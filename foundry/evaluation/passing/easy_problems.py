"""Problems that a loop or a formula solves."""

from __future__ import annotations

from foundry.evaluation.passing.problem import Case, Problem

EASY_PROBLEMS = (
    Problem(
        "sum_of_squares",
        '''def sum_of_squares(numbers: list[int]) -> int:
    """Return the sum of the squares of the numbers.

    >>> sum_of_squares([1, 2, 3])
    14
    """
''',
        "    return sum(number * number for number in numbers)\n",
        (
            Case(([1, 2, 3],), 14),
            Case(([],), 0),
            Case(([-4],), 16),
            Case(([10, 0, -10, 5],), 225),
        ),
    ),
    Problem(
        "is_palindrome",
        '''def is_palindrome(text: str) -> bool:
    """Return True if the text reads the same forwards and backwards, and False otherwise.

    >>> is_palindrome("level")
    True
    >>> is_palindrome("lever")
    False
    """
''',
        "    return text == text[::-1]\n",
        (
            Case(("level",), True),
            Case(("lever",), False),
            Case(("",), True),
            Case(("ab",), False),
            Case(("abba",), True),
            Case(("Abba",), False),
            Case(("abcda",), False),
        ),
    ),
    Problem(
        "count_vowels",
        '''def count_vowels(text: str) -> int:
    """Return how many letters of the text are vowels (a, e, i, o, u), small or capital.

    >>> count_vowels("Education")
    5
    """
''',
        '    return sum(letter in "aeiouAEIOU" for letter in text)\n',
        (
            Case(("Education",), 5),
            Case(("",), 0),
            Case(("rhythm",), 0),
            Case(("AEIOU and y",), 6),
            Case(("queue",), 4),
        ),
    ),
    Problem(
        "factorial",
        '''def factorial(n: int) -> int:
    """Return the product of all whole numbers from 1 to n. The factorial of 0 is 1.

    >>> factorial(4)
    24
    """
''',
        """    result = 1
    for factor in range(2, n + 1):
        result *= factor
    return result
""",
        (Case((4,), 24), Case((0,), 1), Case((1,), 1), Case((7,), 5040), Case((20,), 2432902008176640000)),
    ),
    Problem(
        "largest_gap",
        '''def largest_gap(numbers: list[int]) -> int:
    """Return the largest difference between two neighbours in the sorted list, or 0 for fewer than two numbers.

    >>> largest_gap([9, 1, 4])
    5
    """
''',
        """    ordered = sorted(numbers)
    return max((after - before for before, after in zip(ordered, ordered[1:])), default=0)
""",
        (
            Case(([9, 1, 4],), 5),
            Case(([],), 0),
            Case(([7],), 0),
            Case(([3, 3],), 0),
            Case(([-5, 10, 0],), 10),
            Case(([1, 2, 9, 10],), 7),
        ),
    ),
    Problem(
        "running_maximum",
        '''def running_maximum(numbers: list[int]) -> list[int]:
    """Return a list that holds, at each place, the largest of the numbers up to and with that place.

    >>> running_maximum([2, 1, 5, 3])
    [2, 2, 5, 5]
    """
''',
        """    result = []
    for number in numbers:
        result.append(number if not result or number > result[-1] else result[-1])
    return result
""",
        (
            Case(([2, 1, 5, 3],), [2, 2, 5, 5]),
            Case(([],), []),
            Case(([-3, -5, -1],), [-3, -3, -1]),
            Case(([4, 4, 2],), [4, 4, 4]),
            Case(([1, 2, 3],), [1, 2, 3]),
        ),
    ),
)
