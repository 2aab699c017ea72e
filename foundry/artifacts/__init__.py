"""Published models: one narrow protocol, with the local folder behind it.

`store` is the protocol, `local` the embedded default.
"""
