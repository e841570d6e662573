"""The operators' side of the demo: platforms of charging station operators and providers.

What stands here plays the other parties. It has arithmetic of its own, speaks to the clearing house
over HTTP only, and imports nothing of it but the reading of identifiers.
"""
