"""The figures that tokenhouse promises, and how they are taken: `python -m bench`."""
