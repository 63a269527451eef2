"""The frame of the command line: how a command is written, what it is given, and how it ends.

A command is a module `edges/cli/<name>.py` with one public value `command`; `COMMANDS` in the package maps
its name to the module. It looks like this, and does nothing else:

    @click.command(cls=frame.Command)                     # or @click.group(cls=frame.Group, …)
    @click.argument("ref")
    @click.option("--dry-run", is_flag=True)
    @frame.pass_terminal                                  # the first argument is a `terminal.Terminal`
    def command(terminal: Terminal, ref: str, dry_run: bool) -> int | None:
        with terminal.progress(total, terminal.say("init.progress")) as advance:
            made = terminal.with_house(lambda house: house.initialise(dry_run=dry_run, advance=advance))
        terminal.answer(made)                             # --json: THE document; otherwise nothing
        terminal.show(terminal.say("init.made", made=made.made), terminal.table(columns, rows))
        return None                                       # or an exit code, such as FOUND

Heavy modules (rich, the house, flows) are imported inside functions or under TYPE_CHECKING: `--help` imports
no command module at all, and `tokenhouse <name> --help` only that one.

Help texts are sentences of both languages in `messages/*.toml`, section `[help]`, never literals here: a
command is `<path>` with dashes ("init", "accounts-show", "plans-use-preset"), a parameter is
`<path>_<parameter name>` ("init_dry_run", "accounts-show_ref"); a test asks for each. Other sentences go into
a section of your command.

What a command may use of its terminal (see terminal.py):

    settings, locale, json, quiet    the settings in force; the reader's language; whether a program reads
    with_house(work)                 run `await work(house)` on an opened house, with uvloop; return its value
    actor                            who runs the command: `--actor`, else "cli:" and this machine's user
    record(house, action, subject)   append a change to the audit log; `flow/audited.py` has what it says
    say(name, **facts)               a sentence in the reader's language
    show(*parts)                     texts and rich renderables for people, on stdout; nothing under --json
    table(columns, rows)             columns ">name" (right) and "<name" (left) stay on one line, others fold
    figures(pairs)                   names and values below each other
    amount(n, unit), time(at)        as people read them
    answer(value)                    --json: one document on stdout (dataclasses, structs, dicts; amounts are
                                     integers, times ISO 8601 with a zone); without --json nothing happens
    remark(text)                     one line on stderr, unless --quiet
    progress(total, label)           context; gives `advance(n)` for flows to call; total may be None. A bar
                                     on stderr if that is a terminal, else a line now and then, unless --quiet

A command that changes something is `@frame.signed`, which gives it the option --actor. It hands
`terminal.actor` to the house's verbs, and records what it did under the name that the REST API has for it.

Parameter types that refuse in the reader's language: `Choice((…))`, `COUNT` (a whole number from 1), `TIME`.
An amount that a person types is text: `amounts.parse(text, unit)` once the unit is known.

How it ends: raise any TokenhouseError and it becomes one line on stderr in the reader's language (and under
--json `{"error": {…}}` on stdout) with the class's `exit_code`. Nothing else is caught by commands. `EXITS`
lists every exit code. `FOUND` (1) is for a command that worked and found something wrong.
"""
# ruff: noqa: ARG002 -- click decides what its methods are given.

from __future__ import annotations

import importlib
import sys
from datetime import datetime
from functools import update_wrapper
from typing import TYPE_CHECKING, Any, Final, TypeVar

import click

from tokenhouse import errors, messages
from tokenhouse.edges.cli import failures
from tokenhouse.edges.cli.terminal import Terminal
from tokenhouse.errors import InvalidInput

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

R = TypeVar("R")

FOUND: Final = 1
"""Exit code of a command that did its work and found something wrong."""


def terminal_of(context: click.Context) -> Terminal:
    """Return the terminal of a run; every context of it has the same."""
    found = context.find_root().ensure_object(Terminal)
    assert isinstance(found, Terminal)  # noqa: S101 -- Root.main puts it there
    return found


def pass_terminal(function: Callable[..., R]) -> Callable[..., R]:
    """Give a command the terminal that it speaks to, as its first argument."""

    def wrapped(*args: Any, **kwargs: Any) -> R:
        return function(terminal_of(click.get_current_context()), *args, **kwargs)

    return update_wrapper(wrapped, function)


class Actor(click.Option):
    """The option that says who makes a change; it means the same wherever it stands."""


def _sign(context: click.Context, parameter: click.Parameter, value: str) -> None:
    """Let the terminal know who makes the change."""
    if value:
        terminal_of(context).actor = value


signed: Final = click.option(
    "--actor", cls=Actor, metavar="NAME", default="", callback=_sign, expose_value=False
)
"""Let a command be told who makes its change: `terminal.actor`, else this machine's user."""


def _take(context: click.Context, parameter: click.Parameter, value: object) -> None:
    """Keep a shared option, wherever on the line it stood; the last one counts."""
    if value:
        terminal_of(context).given[str(parameter.name)] = value


def _version(context: click.Context, parameter: click.Parameter, value: bool) -> None:
    """Print the version and leave."""
    if value:
        from importlib.metadata import version

        click.echo(f"tokenhouse {version('tokenhouse')}")
        context.exit()


class Choice(click.ParamType[str]):
    """One of a few words; anything else is refused in the reader's language."""

    name = "choice"

    def __init__(self, words: Sequence[str]) -> None:
        self.words = tuple(words)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the word."""
        if value in self.words:
            return str(value)
        raise InvalidInput(
            "choice_unknown", field=_named(param), value=value[:40], known=", ".join(self.words)
        )

    def get_metavar(self, param: click.Parameter, ctx: click.Context) -> str | None:
        """Return the words as the help shows them."""
        return f"[{'|'.join(self.words)}]"


class Count(click.ParamType[int]):
    """A whole number from `low` to `high`."""

    name = "count"

    def __init__(self, low: int, high: int) -> None:
        self.low, self.high = low, high

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return the number."""
        text = str(value)
        number = int(text) if text.isascii() and text.lstrip("-").isdigit() and len(text) < 20 else None
        if number is None or not self.low <= number <= self.high:
            raise InvalidInput(
                "out_of_range", field=_named(param), value=text[:40], low=self.low, high=self.high
            )
        return number


class Time(click.ParamType[datetime]):
    """An instant: ISO 8601 with an offset, such as 2026-12-31T00:00:00+09:00."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """Return the aware time."""
        if isinstance(value, datetime):
            return value
        try:
            at = datetime.fromisoformat(value)
        except ValueError:
            raise InvalidInput("instant_unreadable", field=_named(param), value=value[:40]) from None
        if at.tzinfo is None:
            raise InvalidInput("instant_naive", field=_named(param), value=value[:40])
        return at


COUNT: Final = Count(1, 1_000_000_000)
TIME: Final = Time()


def _named(parameter: click.Parameter | None) -> str:
    """Return how a person wrote a parameter: `--expires`, `REF`."""
    if parameter is None:
        return "?"
    return parameter.opts[0] if isinstance(parameter, click.Option) else str(parameter.name).upper()


SHARED: Final = tuple(
    click.Option([f"--{name}"], expose_value=False, is_eager=True, callback=_take, **more)
    for name, more in (
        ("home", {"metavar": "FOLDER"}),
        ("database-url", {"metavar": "URL"}),
        ("locale", {"type": Choice(messages.LOCALES)}),
        ("json", {"is_flag": True}),
        ("quiet", {"is_flag": True}),
        ("debug", {"is_flag": True}),
    )
)
"""Options that every command takes, before or after its name."""
VERSION: Final = click.Option(
    ["--version"], is_flag=True, expose_value=False, is_eager=True, callback=_version
)
EVERYWHERE: Final = (*SHARED, VERSION)

EXITS: Final[dict[int, str]] = {
    0: "done",
    FOUND: "found",
    **{
        kind.exit_code: kind.code
        for kind in (
            errors.InvalidInput,
            errors.Refused,
            errors.NotFound,
            errors.KeyReused,
            errors.Busy,
            errors.DatabaseTrouble,
            errors.StartRefused,
            errors.Unauthenticated,
            errors.UpstreamTrouble,
            errors.Forbidden,
        )
    },
    failures.UNEXPECTED: "unexpected",
    failures.INTERRUPTED: "interrupted",
    failures.PIPE_CLOSED: "pipe_closed",
}
"""Every exit code -> the sentence `exits.<name>` that says what it means."""


def path_of(context: click.Context) -> str:
    """Return a command's place in the tree as help texts name it: "accounts-show", or "tokenhouse"."""
    names = []
    at: click.Context | None = context
    while at is not None and at.parent is not None:
        names.append(str(at.command.name))
        at = at.parent
    return "-".join(reversed(names)) or "tokenhouse"


def help_of(context: click.Context, parameter: click.Parameter | None = None) -> str:
    """Return the help text of a command, or of one of its parameters, in the reader's language."""
    told = messages.catalogue(terminal_of(context).locale)
    if parameter is None:
        return told.get(f"help.{path_of(context)}", "")
    if parameter is context.command.get_help_option(context):
        return told.get("help.tokenhouse_help", "")
    shared = parameter in EVERYWHERE or isinstance(parameter, Actor)
    place = "tokenhouse" if shared else path_of(context)
    return told.get(f"help.{place}_{parameter.name}", "")


class Command(click.Command):
    """A command that takes the shared options and speaks the reader's language in its help."""

    def get_params(self, ctx: click.Context) -> list[click.Parameter]:
        """Return the command's own parameters, then the shared ones."""
        own = super().get_params(ctx)
        return [*own, *SHARED, VERSION] if ctx.parent is None else [*own, *SHARED]

    def format_usage(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the line that shows the order of words."""
        pieces = self.collect_usage_pieces(ctx)
        formatter.write_usage(
            ctx.command_path, " ".join(pieces), prefix=terminal_of(ctx).say("cli.usage") + " "
        )

    def format_help_text(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write what the command is for."""
        formatter.write_paragraph()
        with formatter.indentation():
            formatter.write_text(help_of(ctx))

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the command's own parameters, then those that every command has."""
        own: list[tuple[str, str]] = []
        shared: list[tuple[str, str]] = []
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx) or (parameter.make_metavar(ctx), "")
            everywhere = parameter in EVERYWHERE or parameter is self.get_help_option(ctx)
            (shared if everywhere else own).append((record[0], help_of(ctx, parameter)))
        for title, rows in (("cli.parameters", own), ("cli.everywhere", shared)):
            if rows:
                with formatter.section(terminal_of(ctx).say(title)):
                    formatter.write_dl(rows)


class Group(Command, click.Group):
    """A command with commands of its own; use it as `cls` of `click.group`."""

    command_class = Command

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands below, then the parameters."""
        names = self.list_commands(ctx)
        if names:
            place = "" if ctx.parent is None else f"{path_of(ctx)}-"
            told = messages.catalogue(terminal_of(ctx).locale)
            with formatter.section(terminal_of(ctx).say("cli.commands")):
                formatter.write_dl([(name, told.get(f"help.{place}{name}", "")) for name in names])
        Command.format_options(self, ctx, formatter)


class Root(Group):
    """`tokenhouse` itself: imports a command when it is asked for, and turns every end into an exit code."""

    def __init__(self, modules: Mapping[str, str]) -> None:
        super().__init__("tokenhouse", no_args_is_help=True)
        self._modules = modules

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands, importing none."""
        return list(self._modules)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import one command."""
        if cmd_name not in self._modules:
            return None
        found = importlib.import_module(f"tokenhouse.edges.cli.{self._modules[cmd_name]}").command
        assert isinstance(found, click.Command)  # noqa: S101 -- the contract of a command's module
        found.name = cmd_name
        return found

    def main(self, args: Sequence[str] | None = None, *_: Any, obj: Terminal | None = None, **__: Any) -> Any:
        """Run a command line and leave with its exit code; a test brings its clock in `obj`."""
        terminal = obj or Terminal()
        words = list(sys.argv[1:] if args is None else args)

        def run() -> int | None:
            # Not click's own `main`, which takes a closed pipe for a failure like any other.
            with self.make_context("tokenhouse", words.copy(), obj=terminal) as context:
                code = self.invoke(context)
            return code if isinstance(code, int) else None

        raise SystemExit(failures.exit_code(run, terminal, words))
