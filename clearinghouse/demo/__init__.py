"""The demo: a clearing house with everything around it, and a month that passes in two minutes.

`manage.py demo` starts the product as it is, in processes of its own (PostgreSQL, web server,
Celery worker, Celery beat), and the simulated platforms of the operators, one process each, which
speak HTTP only. Then it does what the clearing house's staff would do, and lets the business clock
run.

    options.py     what the command is told, and where a replay keeps its data
    place.py       the data directory of one replay: one conductor at a time, reset, what is settled
    surroundings.py  the settings that the processes of a replay work with
    children.py    processes: started, watched, ended
    leash.py       ends a process when its conductor is gone
    services.py    web server, worker, beat
    staff.py       two people at their desks: operators, platforms, agreements, tokens
    portal_people.py  who signs in to the portal, for a home-CSP and for a visited-CSO
    timeline.py    the steps in which the business clock goes through the month
    platforms.py   the operators' platforms, steered from here
    month.py       the clock runs, step by step, until everybody has caught up
    closing.py     reconciliation is waited for; draft, preliminary, final; reports
    figures.py     what the books say afterwards
    comparison.py  the platforms' own counts against the clearing house's books
    table.py       the figures on the screen
    signals.py     ending it
    screen.py      progress on a terminal, or plain lines
    conductor.py   the story, from the first to the last
"""
