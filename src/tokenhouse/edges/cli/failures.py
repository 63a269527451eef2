"""How a run of the command line ends: a line for people, an object for programs, and an exit code."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any, Final

import click

from tokenhouse.errors import InvalidInput, TokenhouseError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tokenhouse.edges.cli.terminal import Terminal

UNEXPECTED: Final = 70
"""A fault of ours (EX_SOFTWARE of sysexits.h)."""
INTERRUPTED: Final = 130
"""Ctrl-C: 128 + SIGINT, as shells say it."""
PIPE_CLOSED: Final = 141
"""Who read our output went away: 128 + SIGPIPE."""


def exit_code(run: Callable[[], int | None], terminal: Terminal, words: Sequence[str]) -> int:
    """Run a command and return how it ended; what failed has been told by then."""
    try:
        code = run() or 0
        sys.stdout.flush()
        return code
    except click.exceptions.Exit as left:
        return left.exit_code
    except click.exceptions.NoArgsIsHelpError as wanted:
        click.echo(wanted.format_message(), err=True)
        return InvalidInput.exit_code
    except click.ClickException as wrong:
        if "--json" in words:
            terminal.given["json"] = True
        return _told(refused(wrong), terminal)
    except TokenhouseError as failure:
        return _told(failure, terminal)
    except (KeyboardInterrupt, EOFError, click.Abort):
        if sys.stderr.isatty():
            click.echo(err=True)  # Ends the line on which the terminal wrote ^C.
        return INTERRUPTED
    except BrokenPipeError:
        # What is still buffered has nobody to go to: give it one, lest the interpreter complain at its end.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return PIPE_CLOSED
    except Exception as fault:  # noqa: BLE001 -- the last one who can say anything
        if terminal.debug:
            import traceback

            traceback.print_exception(fault)
        problem = f"{type(fault).__name__}: {fault}".strip().partition("\n")[0]
        _tell(terminal, "unexpected", terminal.say("cli.unexpected", problem=problem), {}, UNEXPECTED)
        return UNEXPECTED


def refused(wrong: click.ClickException) -> InvalidInput:
    """Return what is wrong with a command line, as an error with a sentence in each language."""
    if isinstance(wrong, click.NoSuchCommand):
        return InvalidInput("command_unknown", field="command", value=wrong.command_name)
    if isinstance(wrong, click.NoSuchOption):
        return InvalidInput("option_unknown", field=wrong.option_name, value="")
    if isinstance(wrong, click.MissingParameter):
        name = str(wrong.param.name).upper() if isinstance(wrong.param, click.Argument) else ""
        options = wrong.param.opts if wrong.param is not None else []
        return InvalidInput("parameter_missing", field=name or "/".join(options), value="")
    if isinstance(wrong, click.BadParameter):
        name = wrong.param.get_error_hint(wrong.ctx) if wrong.param and wrong.ctx else "?"
        return InvalidInput("parameter_wrong", field=str(name).strip("'"), value="", problem=wrong.message)
    return InvalidInput("command_line_wrong", field="command", value="", problem=wrong.format_message())


def _told(failure: TokenhouseError, terminal: Terminal) -> int:
    """Tell of an expected failure and return its exit code."""
    text = failure.message(terminal.locale)
    facts = {"reason": failure.reason, "retryable": failure.retryable, "facts": failure.facts}
    _tell(terminal, failure.code, text, facts, failure.exit_code)
    return failure.exit_code


def _tell(terminal: Terminal, code: str, text: str, facts: dict[str, Any], exit_code: int) -> None:
    """Say one line to a person and, where a program reads and has no answer yet, one object to it."""
    line = " ".join(text.split())
    terminal.answer({"error": {"code": code, "message": line, "exit_code": exit_code, **facts}})
    click.echo(f"tokenhouse: {line}", err=True)
