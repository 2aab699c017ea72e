"""Takes credentials, private keys and mail addresses out of texts before anything of them is stored.

What a credential looks like is said by the library detect-secrets, and by a table of our own for kinds that it lacks.
The library looks at lines one by one with every pattern that it has, far too slowly for the history of a repository.
So each of its patterns is given an anchor, a cheap pattern that is found wherever the library's is, and is tried only
around places where the anchor stands. Nothing is ever verified online, and the library's global settings, which would
leak from one use into the next, are not used at all.
"""

from foundry.pipeline.redaction.redactor import Redactor

__all__ = ["Redactor"]
