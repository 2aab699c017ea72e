"""What a model writes when it is asked for code: prompts are continued, and every text is judged.

A text succeeds if it is not empty, does not run in circles, and parses. The judging is done in a process of its own,
with limits on its memory and time, because nobody knows what a model writes.
"""
