"""Problems that a loop or a formula solves. All texts are our own; the tasks are common exercises."""

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
    Problem(
        "to_fahrenheit",
        '''def to_fahrenheit(temperatures: list[float]) -> list[float]:
    """Convert temperatures from degrees Celsius to degrees Fahrenheit: times 9/5, plus 32.

    >>> to_fahrenheit([0.0, 100.0])
    [32.0, 212.0]
    """
''',
        "    return [celsius * 9 / 5 + 32 for celsius in temperatures]\n",
        (
            Case(([0.0, 100.0],), [32.0, 212.0]),
            Case(([],), []),
            Case(([-40.0, 36.6],), [-40.0, 97.88]),
            Case(([0.1],), [32.18]),
        ),
    ),
    Problem(
        "digit_sum",
        '''def digit_sum(n: int) -> int:
    """Return the sum of the decimal digits of n, whose sign does not count.

    >>> digit_sum(203)
    5
    >>> digit_sum(-12)
    3
    """
''',
        "    return sum(int(digit) for digit in str(abs(n)))\n",
        (Case((203,), 5), Case((-12,), 3), Case((0,), 0), Case((9,), 9), Case((-999,), 27), Case((10**18 + 7,), 8)),
    ),
    Problem(
        "remove_duplicates",
        '''def remove_duplicates(items: list[int]) -> list[int]:
    """Return the items in their order, each only at the place where it first occurs.

    >>> remove_duplicates([3, 1, 3, 2, 1])
    [3, 1, 2]
    """
''',
        """    seen = set()
    result = []
    for item in items:
        if item not in seen:
            seen.add(item)
            result.append(item)
    return result
""",
        (
            Case(([3, 1, 3, 2, 1],), [3, 1, 2]),
            Case(([],), []),
            Case(([5, 5, 5],), [5]),
            Case(([9, -1, 9, 0],), [9, -1, 0]),
        ),
    ),
    Problem(
        "longest_word",
        '''def longest_word(text: str) -> str:
    """Return the longest of the words, which blanks separate; the first of several, and "" where there is none.

    >>> longest_word("a blue whale")
    'whale'
    """
''',
        '    return max(text.split(), key=len, default="")\n',
        (
            Case(("a blue whale",), "whale"),
            Case(("",), ""),
            Case(("   ",), ""),
            Case(("one two six",), "one"),
            Case(("longest  comes first",), "longest"),
        ),
    ),
    Problem(
        "is_prime",
        '''def is_prime(n: int) -> bool:
    """Return True if n is a prime number, and False otherwise.

    >>> is_prime(7)
    True
    >>> is_prime(8)
    False
    """
''',
        """    if n < 2:
        return False
    divisor = 2
    while divisor * divisor <= n:
        if n % divisor == 0:
            return False
        divisor += 1
    return True
""",
        (
            Case((7,), True),
            Case((8,), False),
            Case((0,), False),
            Case((1,), False),
            Case((2,), True),
            Case((-7,), False),
            Case((49,), False),
            Case((7919,), True),
            Case((7921,), False),
        ),
    ),
    Problem(
        "count_words",
        '''def count_words(text: str) -> dict[str, int]:
    """Return how often each word occurs. Blanks separate words; capital letters count as small ones.

    >>> count_words("The cat and the dog")
    {'the': 2, 'cat': 1, 'and': 1, 'dog': 1}
    """
''',
        """    counts = {}
    for word in text.lower().split():
        counts[word] = counts.get(word, 0) + 1
    return counts
""",
        (
            Case(("The cat and the dog",), {"the": 2, "cat": 1, "and": 1, "dog": 1}),
            Case(("",), {}),
            Case(("go Go GO",), {"go": 3}),
            Case(("b  a b",), {"a": 1, "b": 2}),
        ),
    ),
)
