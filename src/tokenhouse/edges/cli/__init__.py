"""The command line `tokenhouse`: every command is a module beside this one, imported when it is asked for."""

from tokenhouse.edges.cli.frame import Root

COMMANDS = {
    "serve": "serve",
    "init": "init",
    "check": "check",
    "verify": "verify",
    "accounts": "accounts",
    "grant": "grant",
    "keys": "keys",
    "people": "people",
    "plans": "plans",
    "rates": "rates",
    "packages": "packages",
    "orders": "orders",
    "coupons": "coupons",
    "stats": "stats",
    "forecast": "forecast",
    "import": "import_",
    "export": "export",
    "simulate": "simulate",
    "replay": "replay",
    "jobs": "jobs",
    "notify": "notify",
    "deliveries": "deliveries",
    "upkeep": "upkeep",
    "openapi": "openapi",
    "migrate": "migrate",
    "doctor": "doctor",
}
"""Command -> module; the order is the one of `tokenhouse --help`."""

root = Root(COMMANDS)


def main() -> None:
    """Run the command line of this process and leave with its exit code."""
    root.main()
