"""Texts as vectors, and an index that answers which of them are nearest in meaning to a question.

`model_files` finds a sentence-transformers model, `embedder` runs it, `qdrant` keeps vectors, `indexing` brings an
index up to date with the least work, `searching` asks it. What is embedded is for the caller to say (`texts`).
"""
