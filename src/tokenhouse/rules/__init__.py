"""The rules: pure functions over values. No I/O, no clock, no randomness; time is an argument."""
