"""Reads the history and the files of a repository into records, without running anything that it brings along.

Each commit of every branch and tag is read once, in an order that later commits do not change: what was scraped before
is taken over, and the result is that of a scrape from scratch, byte for byte. Memory does not grow with the texts.
"""
