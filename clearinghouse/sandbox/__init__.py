"""The sandbox: a clearing house to try a platform against, with a counterpart that answers.

`manage.py sandbox` starts the product as it is, in processes of its own, and one simulated operator
that is both CSO and CSP (roaming/simulator/operator). Whoever connects gets a registration token
for an operator of their own, with agreements in both directions, all in the test environment.

    world.py        what the clearing house's staff set up beforehand
    conductor.py    starts everything, says how to begin, shows what the counterpart does
"""
