"""SDR reconciliation (IEC 63119-2, 6.4.2): each check one pure function that returns a verdict."""
