"""The portal: where the operators' people see their SDRs, decide, and download (issue of part 3).

accounts.py       invitations, memberships, roles: what may be done to an account
viewer.py         who looks, for which operator, in which environment; who may open a page
own.py            the one way to rows: only what is the viewer's operator's
presentation.py   money, quantities and moments in the viewer's own form
tables.py         a table as data, drawn by one template on screens and phones
mail.py           what is sent to people
"""
