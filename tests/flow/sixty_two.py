"""The sixty-two users of the source's initialisation report, as files to import."""

from pathlib import Path

EXPERT = "expert1@consult-on.kr"
KNOWN = {
    1: ("admin@consult-on.kr", 12_977, 100_000, 22),
    2: (EXPERT, "", "", ""),
    32: ("user1@consult-on.kr", 762, 0, 2),
    152: ("jw.original@gmail.com", 269, 0, 1),
}
"""Those whom the report names: e-mail, used, bought, turns."""


def users_csv(folder: Path) -> Path:
    """Write the users: three with usage, fifty-nine that wait, one of which chats."""
    people = {number: (f"user{number}@example.com", "", "", "") for number in range(1, 62)} | KNOWN
    lines = [
        f"{number},{email},{used},{bought},{turns}"
        for number, (email, used, bought, turns) in sorted(people.items())
    ]
    file = folder / "users.csv"
    file.write_text("\n".join(["id,email,used,bought,turns", *lines]) + "\n")
    return file


def sessions_csv(folder: Path) -> Path:
    """Write the chat sessions: those of the three, and the empty one of the user without a balance."""
    file = folder / "sessions.csv"
    file.write_text("ref,session,tokens,turns\n1,a,12977,22\n32,b,762,2\n152,c,269,1\n2,empty,0,0\n")
    return file
