"""The native REST API, one module per use case group of the standard (8.1 to 8.5).

An edge: parse, authenticate, call one use case, render.
"""
