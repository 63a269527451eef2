"""Sheets: a list as CSV, line by line, so that one of any length costs no memory."""

import csv
import io
from collections.abc import AsyncIterator, Sequence
from typing import Final

from fastapi.responses import StreamingResponse

from tokenhouse.flow.tables import guarded

BOM: Final = "\ufeff"
"""What tells a spreadsheet that the text is UTF-8."""
LINES: Final = 500
"""Lines that go out together."""


def csv_answer(name: str, columns: Sequence[str], rows: AsyncIterator[Sequence[str]]) -> StreamingResponse:
    """Return rows as a file `name.csv`; no cell is a formula to a spreadsheet."""

    async def lines() -> AsyncIterator[bytes]:
        sheet = io.StringIO(BOM, newline="")
        sheet.seek(0, io.SEEK_END)
        writer = csv.writer(sheet)
        writer.writerow(columns)
        waiting = 1
        async for row in rows:
            writer.writerow([guarded(cell) for cell in row])
            waiting += 1
            if waiting >= LINES:
                yield sheet.getvalue().encode()
                sheet.seek(0)
                sheet.truncate()
                waiting = 0
        yield sheet.getvalue().encode()

    headers = {"content-disposition": f'attachment; filename="{name}.csv"', "cache-control": "no-store"}
    return StreamingResponse(lines(), media_type="text/csv; charset=utf-8", headers=headers)
