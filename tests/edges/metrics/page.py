"""Write the table of metrics in docs/operating/watching.md from the catalogue.

python -m tests.edges.metrics.page
"""

from pathlib import Path

from tokenhouse.edges.metrics.catalogue import CATALOGUE

DOCS = Path(__file__).resolve().parents[3] / "docs"
PAGE = DOCS / "operating" / "watching.md"
START = "<!-- metrics: written by `python -m tests.edges.metrics.page` -->\n"
END = "<!-- end -->"


def table() -> str:
    """Return the table."""
    lines = ["| metric | kind | labels | what it says |", "|---|---|---|---|"]
    for name, metric in CATALOGUE.items():
        shown = f"{name}_total" if metric.kind == "counter" else name
        labels = ", ".join(f"`{label}`" for label in metric.labels)
        lines.append(f"| `{shown}` | {metric.kind} | {labels} | {metric.what} |")
    return "\n".join(lines)


def page(text: str) -> str:
    """Return the page with the table as it is now."""
    before, rest = text.split(START)
    return f"{before}{START}\n{table()}\n\n{END}{rest.partition(END)[2]}"


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
