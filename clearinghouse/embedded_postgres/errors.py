"""What the embedded server says when it cannot do its work."""


class EmbeddedPostgresError(RuntimeError):
    """The embedded PostgreSQL cannot be started, reached or stopped; the text says what to do."""
