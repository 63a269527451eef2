"""`tokenhouse plans`: list plans; show one as TOML; write, plan or withdraw a version; use a preset."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import click

from tokenhouse.edges.cli import frame
from tokenhouse.edges.cli.toml import written
from tokenhouse.errors import InvalidInput, NotFound

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from rich.table import Table

    from tokenhouse.edges.cli.terminal import Terminal
    from tokenhouse.flow.terms import PlannedPlan, Preset, VersionView
    from tokenhouse.house import Tokenhouse
    from tokenhouse.rules.plans import Plan


@click.group(cls=frame.Group, invoke_without_command=True)
@click.pass_context
def command(context: click.Context) -> None:
    """List every plan as it holds now, and what is planned, unless one of the commands below is named."""
    if context.invoked_subcommand is None:
        terminal = frame.terminal_of(context)

        async def work(house: Tokenhouse) -> tuple[dict[str, Plan], list[PlannedPlan]]:
            return await house.plans(), await house.planned()

        found, ahead = terminal.with_house(work)
        planned = [
            {"name": one.plan.name, "version": one.plan.version, "starts_at": one.starts_at} for one in ahead
        ]
        terminal.answer({"plans": [document(plan) for plan in found.values()], "planned": planned})
        terminal.show(
            _table(terminal, found.values()), *(terminal.say("plans.ahead", **one) for one in planned)
        )


@command.command("show")
@click.argument("name")
@frame.pass_terminal
def show(terminal: Terminal, name: str) -> None:
    """Show a plan as TOML that `plans write` takes."""
    found = terminal.with_house(lambda house: house.plans())
    if name not in found:
        raise NotFound("plan_unknown", plan=name)
    plan = document(found[name])
    terminal.answer(plan)
    plan.pop("version")
    terminal.show(terminal.say("plans.shown", version=found[name].version), written(plan))


@command.command("write")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--from", "starts_at", type=frame.TIME)
@click.option("--dry-run", is_flag=True)
@frame.signed
@frame.pass_terminal
def write(terminal: Terminal, file: Path, starts_at: datetime | None, dry_run: bool) -> None:
    """Add a plan, or a newer version of one, from a TOML file."""
    wanted = read(file)

    async def work(house: Tokenhouse) -> Plan:
        name = str(wanted.get("name"))
        before = (await house.plans()).get(name)
        known = {one.plan.version for one in await house.plan_versions(name)} if before else set()
        try:
            written = await house.write_plan(
                wanted, actor=terminal.actor, starts_at=starts_at, dry_run=dry_run
            )
        except InvalidInput as wrong:
            if wrong.facts.get("field") == "starts_at":
                raise
            problem = wrong.message(terminal.locale)
            raise InvalidInput("file_wrong", field="FILE", value=str(file), problem=problem) from None
        if not dry_run and written.version not in known:
            await _record(terminal, house, before, written, starts_at)
        return written

    plan = terminal.with_house(work, whole=True)
    terminal.answer({"dry_run": dry_run, "plan": document(plan), "starts_at": starts_at})
    said = "plans.checked" if dry_run else "plans.ahead" if starts_at else "plans.wrote"
    facts = {"plan": plan.name, "name": plan.name, "version": plan.version, "starts_at": starts_at}
    terminal.show(terminal.say(said, **facts), _table(terminal, [plan]))


@command.command("versions")
@click.argument("name")
@frame.pass_terminal
def versions(terminal: Terminal, name: str) -> None:
    """List every version of a plan, the newest first."""
    found = terminal.with_house(lambda house: house.plan_versions(name))
    heads = (">version", "state", "starts_at", "actor")
    rows = [
        (one.plan.version, terminal.say(f"plans.{one.state}"), one.starts_at, one.withdrawn_by or one.actor)
        for one in found
    ]
    terminal.answer(
        {
            "versions": [
                {"version": one.plan.version}
                | {told: getattr(one, told) for told in ("state", "starts_at", "created_at", "actor")}
                | {told: getattr(one, told) for told in ("follows", "withdrawn_at", "withdrawn_by")}
                for one in found
            ]
        }
    )
    columns = [head[:1] * head.startswith(">") + terminal.say(f"plans.{head.lstrip('>')}") for head in heads]
    terminal.show(terminal.table(columns, rows))


@command.command("withdraw")
@click.argument("name")
@click.argument("version", type=frame.COUNT)
@frame.signed
@frame.pass_terminal
def withdraw(terminal: Terminal, name: str, version: int) -> None:
    """Call off a version that has not started yet."""

    async def work(house: Tokenhouse) -> VersionView:
        before = {one.plan.version: one.state for one in await house.plan_versions(name)}
        found = await house.withdraw_plan(name, version, actor=terminal.actor)
        if before.get(version) != "withdrawn":
            was = {"version": version, "starts_at": found.starts_at.isoformat()}
            await terminal.record(house, "plan.withdraw", name, before=was, after=None)
        return found

    found = terminal.with_house(work, whole=True)
    terminal.answer({"version": version, "state": found.state, "starts_at": found.starts_at})
    terminal.show(terminal.say("plans.called_off", plan=name, version=version))


@command.command("presets")
@frame.pass_terminal
def presets(terminal: Terminal) -> None:
    """Show the plans that come with tokenhouse; no database is asked."""
    from tokenhouse.flow.terms import PRESETS, preset
    from tokenhouse.rules.plans import parse_plan

    settings = terminal.settings
    found = [
        parse_plan(preset(name), environment=settings.environment, zone=settings.time_zone)
        for name in PRESETS
    ]
    terminal.answer({"presets": [document(plan) for plan in found]})
    terminal.show(_table(terminal, found))


@command.command("use-preset")
@click.argument("name")
@frame.signed
@frame.pass_terminal
def use_preset(terminal: Terminal, name: str) -> None:
    """Add a plan that comes with tokenhouse."""

    async def work(house: Tokenhouse) -> Plan:
        before = (await house.plans()).get(name)
        written = await house.preset(cast("Preset", name))
        if before is None or before.version != written.version:
            await _record(terminal, house, before, written)
        return written

    plan = terminal.with_house(work, whole=True)
    terminal.answer({"plan": document(plan)})
    terminal.show(terminal.say("plans.wrote", plan=plan.name, version=plan.version), _table(terminal, [plan]))


async def _record(
    terminal: Terminal,
    house: Tokenhouse,
    before: Plan | None,
    written: Plan,
    starts_at: datetime | None = None,
) -> None:
    """See a new version of a plan into the audit log."""
    from tokenhouse.flow import audited

    start = {"starts_at": starts_at.isoformat()} if starts_at else {}
    was, now = before and audited.plan(before), audited.plan(written) | start
    await terminal.record(house, "plan.write", written.name, before=was, after=now)


def read(file: Path) -> dict[str, Any]:
    """Return the document of a TOML file, decimals exact. Raises: InvalidInput that names file and line."""
    import tomllib

    try:
        return tomllib.loads(file.read_text(encoding="utf-8"), parse_float=Decimal)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as trouble:
        raise InvalidInput("file_wrong", field="FILE", value=str(file), problem=str(trouble)) from None
    except OSError as trouble:
        problem = trouble.strerror or type(trouble).__name__
        raise InvalidInput("file_unreadable", field="FILE", value=str(file), problem=problem) from None


def document(plan: Plan) -> dict[str, Any]:
    """Return a plan as a document, every default filled in; what it leaves open is left out."""
    import msgspec

    filled = msgspec.to_builtins(plan, builtin_types=(Decimal,))
    return {name: value for name, value in _given(filled).items() if value not in ([], ())}


def _given(value: Any) -> Any:
    """Return a document without what is None, which TOML cannot say, and without empty tables."""
    if isinstance(value, dict):
        given = {name: _given(one) for name, one in value.items()}
        return {name: one for name, one in given.items() if one is not None and one != {}}
    if isinstance(value, list | tuple):
        return [_given(one) for one in value]
    return value


def _table(terminal: Terminal, found: Iterable[Plan]) -> Table:
    """Return plans below each other: what they give, when they stop, what becomes of debt, how they price."""
    heads = ("<name", ">version", "allowance", "signup", ">block", "<debt", "priced")
    columns = [name[: name[0] in "<>"] + terminal.say(f"plans.{name.lstrip('<>')}") for name in heads]
    rows = []
    for plan in found:
        unit, signup = plan.unit, plan.signup.amount
        given = [
            f"{terminal.named(one.amount, unit)} / {terminal.say(f'words.{one.every}')}"
            for one in plan.allowance
        ]
        rows.append(
            (
                plan.name,
                plan.version or None,
                ", ".join(given),
                terminal.named(signup, unit) if signup else None,
                f"{plan.stop.block * 100:f} %",
                terminal.say(f"words.{plan.stop.debt}"),
                f"{terminal.say(f'words.{plan.rate.by}')} x {plan.rate.multiplier:f}",
            )
        )
    return terminal.table(columns, rows)
