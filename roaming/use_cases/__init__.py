"""The use cases of IEC 63119-2, one file each, in the order of the standard's contents list.

Each is a transaction boundary: rows become values, the domain decides, rows are left behind.
They never import each other.
"""
