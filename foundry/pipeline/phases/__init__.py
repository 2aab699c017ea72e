"""The phases, each in a module of its own: what it needs, what it makes, how it is done again."""
