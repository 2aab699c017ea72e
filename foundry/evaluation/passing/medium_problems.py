"""Problems that need an algorithm, or care at the edges."""

from __future__ import annotations

from foundry.evaluation.passing.problem import Case, Problem

MEDIUM_PROBLEMS = (
    Problem(
        "fibonacci",
        '''def fibonacci(n: int) -> int:
    """Return the n-th Fibonacci number. The numbers 0 and 1 are 0 and 1, each later one is the sum of the two before.

    >>> fibonacci(6)
    8
    """
''',
        """    a, b = 0, 1
    for _ in range(n):
        a, b = b, a + b
    return a
""",
        (Case((6,), 8), Case((0,), 0), Case((1,), 1), Case((2,), 1), Case((10,), 55), Case((60,), 1548008755920)),
    ),
    Problem(
        "rotate_left",
        '''def rotate_left(items: list[int], count: int) -> list[int]:
    """Return the items moved to the left by count places; what leaves at the front comes in again at the end.

    >>> rotate_left([1, 2, 3, 4], 1)
    [2, 3, 4, 1]
    """
''',
        """    if not items:
        return []
    count %= len(items)
    return items[count:] + items[:count]
""",
        (
            Case(([1, 2, 3, 4], 1), [2, 3, 4, 1]),
            Case(([1, 2, 3, 4], 0), [1, 2, 3, 4]),
            Case(([1, 2, 3], 7), [2, 3, 1]),
            Case(([], 3), []),
            Case(([5, 6, 7, 8], 3), [8, 5, 6, 7]),
        ),
    ),
    Problem(
        "binary_search",
        '''def binary_search(numbers: list[int], target: int) -> int:
    """Return the place of target in the list, which is sorted and holds each number once, or -1 if it is not there.

    >>> binary_search([1, 3, 5, 7], 5)
    2
    """
''',
        """    low, high = 0, len(numbers) - 1
    while low <= high:
        middle = (low + high) // 2
        if numbers[middle] == target:
            return middle
        if numbers[middle] < target:
            low = middle + 1
        else:
            high = middle - 1
    return -1
""",
        (
            Case(([1, 3, 5, 7], 5), 2),
            Case(([1, 3, 5, 7], 1), 0),
            Case(([1, 3, 5, 7], 7), 3),
            Case(([1, 3, 5, 7], 4), -1),
            Case(([1, 3, 5, 7], 9), -1),
            Case(([], 1), -1),
            Case(([4], 4), 0),
        ),
    ),
    Problem(
        "merge_sorted",
        '''def merge_sorted(first: list[int], second: list[int]) -> list[int]:
    """Merge two sorted lists into one sorted list that holds all their numbers.

    >>> merge_sorted([1, 4], [2, 3, 9])
    [1, 2, 3, 4, 9]
    """
''',
        """    result = []
    i = j = 0
    while i < len(first) and j < len(second):
        if first[i] <= second[j]:
            result.append(first[i])
            i += 1
        else:
            result.append(second[j])
            j += 1
    return result + first[i:] + second[j:]
""",
        (
            Case(([1, 4], [2, 3, 9]), [1, 2, 3, 4, 9]),
            Case(([], []), []),
            Case(([], [1]), [1]),
            Case(([2, 2], [2]), [2, 2, 2]),
            Case(([5, 6], [1, 2]), [1, 2, 5, 6]),
        ),
    ),
    Problem(
        "brackets_match",
        '''def brackets_match(text: str) -> bool:
    """Return True if each of the brackets (), [] and {} in the text is closed in the right order.

    >>> brackets_match("f(a[1])")
    True
    >>> brackets_match("(]")
    False
    """
''',
        """    opening = {")": "(", "]": "[", "}": "{"}
    stack = []
    for character in text:
        if character in "([{":
            stack.append(character)
        elif character in opening:
            if not stack or stack.pop() != opening[character]:
                return False
    return not stack
""",
        (
            Case(("f(a[1])",), True),
            Case(("(]",), False),
            Case(("",), True),
            Case(("no brackets",), True),
            Case(("([)]",), False),
            Case(("((",), False),
            Case(("))((",), False),
            Case(("{[()]}()",), True),
        ),
    ),
    Problem(
        "run_lengths",
        '''def run_lengths(text: str) -> list[tuple[str, int]]:
    """Return each run of equal characters as the character and how often it stands there in a row.

    >>> run_lengths("aab")
    [('a', 2), ('b', 1)]
    """
''',
        """    runs = []
    for character in text:
        if runs and runs[-1][0] == character:
            runs[-1] = (character, runs[-1][1] + 1)
        else:
            runs.append((character, 1))
    return runs
""",
        (
            Case(("aab",), [("a", 2), ("b", 1)]),
            Case(("",), []),
            Case(("aba",), [("a", 1), ("b", 1), ("a", 1)]),
            Case(("xxxx",), [("x", 4)]),
            Case(("  !!",), [(" ", 2), ("!", 2)]),
        ),
    ),
    Problem(
        "to_roman",
        '''def to_roman(n: int) -> str:
    """Return a whole number from 1 to 3999 as a Roman numeral.

    >>> to_roman(14)
    'XIV'
    """
''',
        """    symbols = [
        (1000, "M"), (900, "CM"), (500, "D"), (400, "CD"), (100, "C"), (90, "XC"),
        (50, "L"), (40, "XL"), (10, "X"), (9, "IX"), (5, "V"), (4, "IV"), (1, "I"),
    ]
    result = ""
    for value, symbol in symbols:
        while n >= value:
            result += symbol
            n -= value
    return result
""",
        (
            Case((14,), "XIV"),
            Case((1,), "I"),
            Case((3,), "III"),
            Case((49,), "XLIX"),
            Case((90,), "XC"),
            Case((400,), "CD"),
            Case((1999,), "MCMXCIX"),
            Case((3888,), "MMMDCCCLXXXVIII"),
        ),
    ),
    Problem(
        "transpose",
        '''def transpose(matrix: list[list[int]]) -> list[list[int]]:
    """Return the matrix, a list of rows of equal length, with its rows and columns exchanged.

    >>> transpose([[1, 2, 3], [4, 5, 6]])
    [[1, 4], [2, 5], [3, 6]]
    """
''',
        "    return [list(column) for column in zip(*matrix)]\n",
        (
            Case(([[1, 2, 3], [4, 5, 6]],), [[1, 4], [2, 5], [3, 6]]),
            Case(([],), []),
            Case(([[7]],), [[7]]),
            Case(([[1], [2], [3]],), [[1, 2, 3]]),
            Case(([[1, 2], [3, 4]],), [[1, 3], [2, 4]]),
        ),
    ),
    Problem(
        "common_prefix",
        '''def common_prefix(words: list[str]) -> str:
    """Return the longest text that every word begins with, or "" if there is none or there are no words.

    >>> common_prefix(["flower", "flow", "flight"])
    'fl'
    """
''',
        """    if not words:
        return ""
    prefix = words[0]
    for word in words[1:]:
        while not word.startswith(prefix):
            prefix = prefix[:-1]
    return prefix
""",
        (
            Case((["flower", "flow", "flight"],), "fl"),
            Case(([],), ""),
            Case((["alone"],), "alone"),
            Case((["a", "b"],), ""),
            Case((["car", "cart", "carbon"],), "car"),
            Case((["abc", ""],), ""),
        ),
    ),
    Problem(
        "merge_intervals",
        '''def merge_intervals(intervals: list[list[int]]) -> list[list[int]]:
    """Join the intervals [start, end] that overlap or touch, and return them sorted by their start.

    >>> merge_intervals([[6, 8], [1, 3], [2, 4]])
    [[1, 4], [6, 8]]
    """
''',
        """    merged = []
    for start, end in sorted(intervals):
        if merged and start <= merged[-1][1]:
            merged[-1][1] = max(merged[-1][1], end)
        else:
            merged.append([start, end])
    return merged
""",
        (
            Case(([[6, 8], [1, 3], [2, 4]],), [[1, 4], [6, 8]]),
            Case(([],), []),
            Case(([[1, 2], [2, 3]],), [[1, 3]]),
            Case(([[1, 10], [2, 3], [4, 12]],), [[1, 12]]),
            Case(([[1, 9], [2, 3]],), [[1, 9]]),
            Case(([[5, 6], [1, 2]],), [[1, 2], [5, 6]]),
        ),
    ),
    Problem(
        "caesar_cipher",
        '''def caesar_cipher(text: str, shift: int) -> str:
    """Move each letter a-z and A-Z forward by shift places in the alphabet, from z on to a; the rest stays as it is.

    >>> caesar_cipher("abc xyz!", 2)
    'cde zab!'
    """
''',
        """    result = ""
    for character in text:
        if "a" <= character <= "z":
            result += chr((ord(character) - ord("a") + shift) % 26 + ord("a"))
        elif "A" <= character <= "Z":
            result += chr((ord(character) - ord("A") + shift) % 26 + ord("A"))
        else:
            result += character
    return result
""",
        (
            Case(("abc xyz!", 2), "cde zab!"),
            Case(("", 5), ""),
            Case(("Zebra", 1), "Afcsb"),
            Case(("Hello, World", 26), "Hello, World"),
            Case(("bcd", -1), "abc"),
            Case(("xyz", 29), "abc"),
        ),
    ),
    Problem(
        "edit_distance",
        '''def edit_distance(first: str, second: str) -> int:
    """Return the least number of characters to insert, remove or replace that turns first into second.

    >>> edit_distance("kitten", "sitting")
    3
    """
''',
        """    row = list(range(len(second) + 1))
    for i, a in enumerate(first, 1):
        previous, row[0] = row[0], i
        for j, b in enumerate(second, 1):
            previous, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, previous + (a != b))
    return row[-1]
""",
        (
            Case(("kitten", "sitting"), 3),
            Case(("", ""), 0),
            Case(("", "abc"), 3),
            Case(("abc", ""), 3),
            Case(("same", "same"), 0),
            Case(("flaw", "lawn"), 2),
            Case(("intention", "execution"), 5),
        ),
    ),
)
