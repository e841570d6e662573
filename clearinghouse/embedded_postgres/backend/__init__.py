"""The Django database backend of the embedded server; Django looks for it in `base`."""
