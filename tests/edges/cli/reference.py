"""Write docs/reference/cli.md from the command line itself: every command, parameter and exit code.

python -m tests.edges.cli.reference
"""

from collections.abc import Iterator
from pathlib import Path

import click

from tokenhouse import messages
from tokenhouse.edges.cli import frame, root
from tokenhouse.edges.cli.terminal import Terminal

PAGE = Path(__file__).resolve().parents[3] / "docs" / "reference" / "cli.md"

OPENING = """# Command line

Written by `python -m tests.edges.cli.reference` from the commands themselves; a test compares.

Tables and progress bars are for people: a pipe or file gets plain text, as wide as it needs. `--json` prints
one JSON document on stdout and nothing else there: amounts are integers of the unit's smallest part, times
are ISO 8601 with their zone, shares and multipliers are decimals as text. A failure is one line on stderr in
the reader's language; under `--json` there is also
`{"error": {"code", "reason", "message", "exit_code", "retryable", "facts"}}` on stdout, unless the command
had given its answer already. Progress, and remarks such as where the next page begins, go to stderr;
`--quiet` leaves them out.
"""


def root_context() -> click.Context:
    """Return the context of `tokenhouse` itself, as an English reader has it."""
    terminal = Terminal()
    terminal.given["locale"] = "en"
    terminal.locale = "en"
    return click.Context(root, info_name="tokenhouse", obj=terminal)


def contexts(context: click.Context | None = None) -> Iterator[click.Context]:
    """Yield the context of every command below one, in the order of the help."""
    context = context or root_context()
    group = context.command
    assert isinstance(group, click.Group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        below = click.Context(command, parent=context, info_name=name)
        yield below
        if isinstance(command, click.Group):
            yield from contexts(below)


def own_parameters(context: click.Context) -> list[click.Parameter]:
    """Return the parameters of a command that not every command has."""
    return [each for each in context.command.params if each not in frame.EVERYWHERE]


def written(parameter: click.Parameter, context: click.Context) -> str:
    """Return how a parameter is typed, as the help shows it."""
    record = parameter.get_help_record(context)
    return record[0] if record else parameter.make_metavar(context)


def page() -> str:
    """Return the page."""
    parts = [OPENING, "## Commands\n"]
    for context in contexts():
        usage = " ".join([context.command_path, *context.command.collect_usage_pieces(context)])
        parts.append(f"### `{context.command_path}`\n\n{frame.help_of(context)}\n\n```\n{usage}\n```\n")
        rows = [
            (written(each, context), frame.help_of(context, each), default(each))
            for each in own_parameters(context)
        ]
        if rows:
            parts.append(table(("parameter", "meaning", "default"), rows))
    top = root_context()
    shared = [(written(each, top), frame.help_of(top, each)) for each in frame.EVERYWHERE]
    exits = [(f"{code}", messages.say(f"exits.{name}", "en")) for code, name in frame.EXITS.items()]
    parts += ["## With every command\n", table(("option", "meaning"), shared)]
    parts += ["## Exit codes\n", table(("code", "meaning"), exits, code=False)]
    return "\n".join(parts)


def default(parameter: click.Parameter) -> str:
    """Return what counts when a parameter is not given, where that says something."""
    plain = isinstance(parameter.default, str | int) and not isinstance(parameter.default, bool)
    return f"`{parameter.default}`" if plain and parameter.default != "" else ""


def table(heads: tuple[str, ...], rows: list[tuple[str, ...]], *, code: bool = True) -> str:
    """Return a table of Markdown; its first column is typed text."""
    lines = [f"| {' | '.join(heads)} |", f"|{'---|' * len(heads)}"]
    for first, *rest in rows:
        cells = [f"`{first}`" if code else first, *rest]
        lines.append("| " + " | ".join(cell.replace("|", r"\|") for cell in cells) + " |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    print(f"wrote {PAGE.name}")
