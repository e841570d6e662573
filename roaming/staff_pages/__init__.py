"""What the admin pages of both apps share: long lists, facts, steps, history, personal data.

Knows Django and the admin's look, and neither app: roaming's and settlement's admin stand on it.
"""
