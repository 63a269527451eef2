"""The frame: languages, places of options, every end of a run, and that help costs nothing heavy."""

import signal
import socket
import subprocess
import sys
import time

import click
import pytest

from tests.edges.cli import reference
from tokenhouse import errors, messages
from tokenhouse.edges.cli import COMMANDS, failures, frame, terminal
from tokenhouse.edges.cli.terminal import Terminal

LOCALES = pytest.mark.parametrize("locale", messages.LOCALES)


def test_help_lists_every_command_and_imports_none():
    heavy = "tokenhouse.edges.cli.grant", "tokenhouse.edges.cli.replay", "rich", "uvloop"
    program = f"""
import atexit, sys
atexit.register(lambda: print(*[name for name in {heavy!r} if name in sys.modules], file=sys.stderr, end=""))
from tokenhouse.edges.cli import main
main()
"""
    ran = subprocess.run(
        [sys.executable, "-c", program, "--help"], capture_output=True, text=True, check=True
    )
    assert all(f"  {name} " in ran.stdout for name in COMMANDS)
    assert ran.stderr == ""


def own_texts(context):
    """Return the parameters whose help is their own: `--actor` means the same everywhere."""
    return [one for one in reference.own_parameters(context) if not isinstance(one, frame.Actor)]


@LOCALES
def test_every_command_and_parameter_has_a_help_text(locale):
    told = messages.catalogue(locale)
    missing = []
    for context in reference.contexts():
        names = [each.name for each in own_texts(context)]
        place = frame.path_of(context)
        wanted = [f"help.{place}", *(f"help.{place}_{name}" for name in names)]
        missing += [name for name in wanted if not told.get(name)]
    assert missing == []


def test_every_help_text_has_its_command_or_parameter():
    known = {
        "help.tokenhouse",
        "help.tokenhouse_help",
        "help.tokenhouse_actor",
        *(f"help.tokenhouse_{one.name}" for one in frame.EVERYWHERE),
    }
    for context in reference.contexts():
        place = f"help.{frame.path_of(context)}"
        known |= {place, *(f"{place}_{one.name}" for one in own_texts(context))}
    assert {name for name in messages.catalogue("en") if name.startswith("help.")} - known == set()


def test_the_reference_is_what_the_commands_say():
    assert reference.PAGE.read_text(encoding="utf-8") == reference.page(), (
        "run python -m tests.edges.cli.reference"
    )


def test_every_exit_code_is_said_and_known():
    classes = [kind for kind in vars(errors).values() if isinstance(kind, type)]
    used = {kind.exit_code for kind in classes if issubclass(kind, errors.TokenhouseError)}
    assert used <= set(frame.EXITS)
    assert [name for name in frame.EXITS.values() if f"exits.{name}" not in messages.catalogue("ko")] == []


def test_help_speaks_korean(cli):
    assert "사용법:" in cli("--locale", "ko", "grant", "--help").out
    assert "사용법:" in cli("grant", "--help", TOKENHOUSE_LOCALE="ko").out


def test_a_bare_call_shows_the_help_and_fails(cli):
    assert "Usage: tokenhouse" in cli(code=2).err


def test_version(cli):
    assert cli("--version").out.startswith("tokenhouse 0.")


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (["foo"], "no command foo"),
        (["grant", "alice"], "AMOUNT is missing"),
        (["accounts", "--bogus"], "--bogus"),
        (["accounts", "--rows", "many"], "--rows is many"),
        (["accounts", "--rows", "0"], "--rows is 0"),
        (["accounts", "--rows", "10000000000000000000000000000"], "--rows is 1000"),
        (["grant", "alice", "5", "--expires", "soon"], "--expires is soon"),
        (["grant", "alice", "5", "--expires", "2030-01-01"], "--expires is 2030-01-01"),
        (["--locale", "fr", "stats"], "--locale is fr"),
        (["upkeep", "now"], "now"),
    ],
)
def test_a_wrong_command_line_is_one_line_and_exit_code_2(cli, words, part):
    ran = cli(*words, code=2)
    assert ran.out == ""
    assert ran.err.count("\n") == 1
    assert part in ran.err


@pytest.mark.parametrize("words", [["foo", "--json"], ["grant", "--bogus", "--json"], ["--json", "grant"]])
def test_a_program_gets_the_failure_as_an_object(cli, words):
    ran = cli(*words, code=2)
    assert ran.document["error"]["code"] == "invalid_input"
    assert ran.document["error"]["exit_code"] == 2
    assert ran.document["error"]["message"] in ran.err


def test_json_counts_wherever_it_stands_and_from_the_environment(cli):
    for ran in (cli("--json", "plans"), cli("plans", "--json"), cli("plans", TOKENHOUSE_JSON="1")):
        assert ran.document["plans"][0]["name"] == "chat-tokens"


def test_wrong_settings_are_one_line_and_exit_code_8(cli):
    ran = cli("stats", code=8, TOKENHOUSE_LANES="99")
    assert ran.err == "tokenhouse: Setting lanes is 99; it must lie between 1 and 16.\n"


def test_an_unreachable_database_is_one_line_and_exit_code_7(cli):
    ran = cli("stats", "--database-url", "postgresql://joe:secret@127.0.0.1:1/x", code=7)
    assert ran.err.count("\n") == 1
    assert "secret" not in ran.err


def test_a_fault_of_ours_is_one_line_and_a_hint(cli, monkeypatch):
    def broken(*_):
        raise ZeroDivisionError("no\nsuch thing")

    monkeypatch.setattr(Terminal, "with_house", broken)
    ran = cli("stats", code=failures.UNEXPECTED)
    assert ran.err.count("\n") == 1
    assert "--debug" in ran.err
    assert "ZeroDivisionError: no" in ran.err
    assert "Traceback" in cli("stats", "--debug", code=failures.UNEXPECTED).err
    assert cli("stats", "--json", code=failures.UNEXPECTED).document["error"]["code"] == "unexpected"


def test_ctrl_c_ends_at_once_and_in_silence(process):
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        run = process("stats", "--database-url", f"postgresql://x@127.0.0.1:{silent.getsockname()[1]}/x")
        connection, _ = silent.accept()
        with connection:
            assert connection.recv(
                1
            )  # It asks and waits: Python 3.11 loses a cancel as a connection comes about.
            run.send_signal(signal.SIGINT)
            out, err = run.communicate(timeout=20)
    assert (run.returncode, out, err) == (failures.INTERRUPTED, "", "")


def test_a_closed_pipe_ends_in_silence(process):
    run = process("plans")
    run.stdout.close()
    err = run.stderr.read()
    assert (run.wait(timeout=20), err) == (failures.PIPE_CLOSED, "")
    run.stderr.close()


def test_what_goes_into_a_pipe_is_plain_and_unfolded(process):
    long = "x" * 190
    opened = process("accounts", "open", long)
    out, err = opened.communicate(timeout=30)
    assert (opened.returncode, err) == (0, "")
    assert any(line.startswith(f"{long} ") or f" {long} " in line for line in out.splitlines())
    assert "\x1b" not in out


def test_names_cannot_steer_the_terminal():
    table = Terminal().table(["[bold]name"], [["[red]\x1b[31mevil\x07[/red]"]])
    drawn = Terminal()._drawn(table)
    assert "\x1b" not in drawn
    assert "[red]" in drawn
    assert "[bold]name" in drawn


def test_progress_off_a_terminal_is_a_line_now_and_then(capsys, monkeypatch):
    now = [0.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])
    with Terminal().progress(100, "Working") as advance:
        for _ in range(100):
            now[0] += 0.125
            advance(1)
    told = capsys.readouterr().err.splitlines()
    assert told == ["Working 40 / 100", "Working 80 / 100", "Working 100 / 100"]


def test_quiet_leaves_progress_and_remarks_out(capsys):
    silent = Terminal()
    silent.given["quiet"] = True
    with silent.progress(1, "Working") as advance:
        advance(1)
    silent.remark("more")
    assert capsys.readouterr() == ("", "")


def test_only_the_first_answer_counts(capsys):
    spoken = Terminal()
    spoken.given["json"] = True
    spoken.answer({"at": 1})
    spoken.answer({"error": {}})
    spoken.show("for people")
    assert capsys.readouterr().out == '{\n  "at": 1\n}\n'


def test_every_command_is_one_of_the_frame():
    strangers = [
        one.command_path for one in reference.contexts() if not isinstance(one.command, frame.Command)
    ]
    assert strangers == []
    assert issubclass(frame.Group, click.Group)
    assert terminal.FLAGS == ("json", "quiet", "debug")
