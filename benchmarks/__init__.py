"""Reproducible measurements, each a ratio to a reference run beside it."""
