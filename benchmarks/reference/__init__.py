"""The reference runs: idiomatic, and changed only in commits of their own."""
