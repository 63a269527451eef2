"""Mail: notices by e-mail over SMTP, as plain text and as HTML in one message."""

from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime, parseaddr
from html import escape
from typing import Any, Final

import aiosmtplib

from tokenhouse import messages
from tokenhouse.flow.channels import Parcel, Undelivered
from tokenhouse.settings import Smtp

PERMANENT: Final = range(550, 560)
"""Replies after which the same mail will never be taken: no such mailbox, content refused (RFC 5321)."""

PAGE: Final = """\
<!doctype html><html lang="{language}"><body style="margin:0;padding:24px;background:#f6f6f4;color:#1a1a18;\
font:16px/1.5 system-ui,sans-serif"><div style="max-width:560px;margin:0 auto;padding:24px;background:#fff;\
border-radius:12px"><h1 style="margin:0 0 12px;font-size:20px">{title}</h1>\
<p style="margin:0 0 16px">{text}</p>{button}</div></body></html>
"""
BUTTON: Final = """\
<p style="margin:0"><a href="{url}" style="display:inline-block;padding:10px 18px;border-radius:8px;\
background:#1a1a18;color:#fff;text-decoration:none">{label}</a></p>"""


class Mail:
    """Sends by e-mail."""

    def __init__(self, smtp: Smtp) -> None:
        self._smtp = smtp

    async def send(self, parcel: Parcel) -> None:
        """Hand a mail to the server. Raises: Undelivered."""
        smtp = self._smtp
        try:
            await aiosmtplib.send(
                written(parcel, smtp.sender),
                hostname=smtp.host,
                port=smtp.port,
                username=smtp.user or None,
                password=smtp.password or None,
                use_tls=smtp.tls == "tls",
                start_tls=smtp.tls == "starttls",
                timeout=smtp.timeout_s,
            )
        except aiosmtplib.SMTPRecipientsRefused as refused:
            codes = [one.code for one in refused.recipients]
            raise _refused(max(codes, default=0)) from None
        except aiosmtplib.SMTPAuthenticationError:
            raise Undelivered("the mail server does not take our user and password") from None
        except aiosmtplib.SMTPResponseException as answer:
            raise _refused(answer.code) from None
        except TimeoutError:
            raise Undelivered("the mail server gave no answer in time") from None
        except (aiosmtplib.SMTPException, OSError, ValueError) as trouble:
            raise Undelivered(f"the mail server cannot be used: {type(trouble).__name__}") from None


def _refused(code: int) -> Undelivered:
    """Return what a reply of the server means to a mail."""
    return Undelivered(f"the mail server answered {code}", final=code in PERMANENT)


def written(parcel: Parcel, sender: str) -> EmailMessage:
    """Return the mail of a parcel; its id is the parcel's, so that a mailbox can tell a repeat."""
    document = parcel.document
    mail = EmailMessage(policy=SMTP)
    mail["From"] = sender
    mail["To"] = parcel.target
    mail["Subject"] = document["title"]
    mail["Date"] = format_datetime(parcel.at)
    mail["Message-ID"] = f"<{parcel.id}@{parseaddr(sender)[1].rpartition('@')[2]}>"
    mail["Auto-Submitted"] = "auto-generated"
    mail["Content-Language"] = document["language"]
    mail.set_content(document["text"] + "\n")
    mail.add_alternative(page(document), subtype="html")
    return mail


def page(document: dict[str, Any]) -> str:
    """Return a notice as HTML: nothing of it is fetched from anywhere."""
    url, language = document["purchase_url"], document["language"]
    button = ""
    if url:
        button = BUTTON.format(url=escape(url), label=escape(messages.say("notice.buy", language)))
    return PAGE.format(
        language=escape(language),
        title=escape(document["title"]),
        text=escape(document["text"]),
        button=button,
    )
