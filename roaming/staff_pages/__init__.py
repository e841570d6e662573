"""What the admin pages of both apps share: long lists, facts, steps, history, personal data, and
the story of a session, which sessions and SDRs tell alike.
"""
