"""The two ways in which foundry refuses: the user's mistake, and a failure of the world around it.

Both are shown as one line, without a traceback. Anything else that escapes is a bug and keeps its traceback.
"""

from __future__ import annotations


class FoundryError(Exception):
    """A failure that the user did not cause: no space left, a damaged file, a store that does not answer.

    The message names what failed, why, and how to go on. The command line exits with code 1.
    """

    exit_code = 1


class UserError(FoundryError):
    """A mistake in what the user asked for: a missing file, an unknown key, a rule that is broken.

    The message names the value, the rule and the remedy. The command line exits with code 2.
    """

    exit_code = 2
