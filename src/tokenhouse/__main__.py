"""`python -m tokenhouse` is the command line `tokenhouse`."""

from tokenhouse.edges.cli import main

if __name__ == "__main__":
    main()
