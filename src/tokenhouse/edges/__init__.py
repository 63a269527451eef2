"""The edges: each translates one outside world to the verbs of the house, and decides nothing."""
