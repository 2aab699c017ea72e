"""What became of a run: a summary read from its folder, its curves, and a page with both.

Drawing libraries are imported when something is drawn.
"""
