"""A simulated operator that anybody can script: a CSO, a CSP, or both, against a clearing house.

Where the demo's platforms (beside this package) replay a month and count, this one is for people
who connect a platform, and for tests: it answers every message of the interface, goes wrong on
demand, does what its script says, and keeps a record of every message.

    main.py         the process; arguments.py its command line; config.py what it is told
    operator.py     registration, being there or not; credentials.py what it keeps for the next life
    endpoint.py     every message meets a behaviour (behaviour.py) and is recorded (record.py)
    cso*.py         the visited-CSO: stations, sessions, reservations, bills
    csp*.py         the home-CSP: drivers, commands, what it is told (memory.py)
    steps.py        scripts; cso_steps.py, csp_steps.py what they can do; examples.py
    control.py      steering it while it runs
"""
