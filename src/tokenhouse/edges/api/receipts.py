"""Receipts as a program reads them, and as a person prints them."""

from datetime import datetime
from html import escape
from typing import Annotated, Final, Literal

from fastapi import Response
from pydantic import Field

from tokenhouse.edges.api.money import Money, money_of
from tokenhouse.edges.api.shapes import Shape
from tokenhouse.flow.receipts import SalesReceipt as Sold
from tokenhouse.flow.receipts import written

Form = Literal["json", "html", "text"]
"""How a receipt is asked for: for a program, or to print."""

STYLE: Final = (
    "body{font:16px/1.5 sans-serif;max-width:36em;margin:3em auto;padding:0 1em}"
    "td,th{padding:.4em 0;text-align:left;vertical-align:top;border-bottom:1px solid #ccc}"
    "td{text-align:right}th{font-weight:normal;padding-right:2em}table{width:100%;border-collapse:collapse}"
)
POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; base-uri 'none'"
PAGE: Final = (
    '<!doctype html>\n<html lang="{locale}"><head><meta charset="utf-8"><title>{title} {number}</title>'
    "<style>{style}</style></head><body><h1>{title}</h1><table>{rows}</table></body></html>\n"
)


class ReceiptLine(Shape):
    """One line of a receipt."""

    text: str
    quantity: int
    unit_price: Money
    amount: Money


class SalesReceipt(Shape):
    """A receipt, in one language."""

    number: str
    language: Annotated[str, Field(examples=["ko"])]
    title: str
    order: str
    state: Literal["completed", "refunded"]
    account: str
    buyer: str
    seller: str
    issued_at: datetime
    lines: list[ReceiptLine]
    total: Money
    refunded: Money
    refunded_at: datetime | None
    credit: Annotated[str, Field(description="The credit that it brought, as a person reads it.")]
    paid_over: str
    payment: str


def answer(receipt: Sold, form: Form) -> Response | SalesReceipt:
    """Return a receipt in the form that was asked for."""
    if form == "text":
        lines = [receipt.title, "", *(f"{name}: {value}" for name, value in written(receipt))]
        return Response("\n".join(lines) + "\n", media_type="text/plain")
    if form == "html":
        rows = "".join(
            f"<tr><th>{escape(name)}</th><td>{escape(value)}</td></tr>" for name, value in written(receipt)
        )
        page = PAGE.format(
            locale=escape(receipt.locale),
            title=escape(receipt.title),
            number=escape(receipt.number),
            style=STYLE,
            rows=rows,
        )
        return Response(page, media_type="text/html", headers={"content-security-policy": POLICY})
    return _document(receipt)


def _document(receipt: Sold) -> SalesReceipt:
    """Return a receipt as the API says it."""
    currency = receipt.currency
    return SalesReceipt(
        number=receipt.number,
        language=receipt.locale,
        title=receipt.title,
        order=receipt.order,
        state=receipt.state,  # type: ignore[arg-type]  # There is none of any other.
        account=receipt.account,
        buyer=receipt.buyer,
        seller=receipt.seller,
        issued_at=receipt.issued_at,
        lines=[
            ReceiptLine(
                text=line.text,
                quantity=line.quantity,
                unit_price=money_of(line.unit_minor, currency),
                amount=money_of(line.amount_minor, currency),
            )
            for line in receipt.lines
        ],
        total=money_of(receipt.total_minor, currency),
        refunded=money_of(receipt.refunded_minor, currency),
        refunded_at=receipt.refunded_at,
        credit=receipt.credit,
        paid_over=receipt.paid_over,
        payment=receipt.payment,
    )
