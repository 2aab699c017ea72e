"""From a repository to an evaluated model in phases: analyze, scrape, tokenize, embed, train, evaluate.

Each phase reads what earlier ones have left on disk, writes a folder of its own, and is described in one manifest. A
phase whose settings and inputs have not changed since is not done again.
"""
