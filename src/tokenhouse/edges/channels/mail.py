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
<!doctype html><html lang="{language}"><head><meta charset="utf-8">\
<meta name="viewport" content="width=device-width"><title>{title}</title></head>\
<body style="margin:0;padding:24px;background:#f6f6f4;color:#1a1a18;\
font:16px/1.5 system-ui,sans-serif"><div style="max-width:560px;margin:0 auto;padding:24px;background:#fff;\
border-radius:12px"><h1 style="margin:0 0 12px;font-size:20px">{title}</h1>\
<p style="margin:0{gap}">{text}</p>{button}</div>\
<p style="max-width:560px;margin:16px auto 0;padding:0 24px;font-size:13px;color:#5c5c56">\
{why} <a href="{place}" style="color:#5c5c56">{settings}</a></p></body></html>
"""
BUTTON: Final = """\
<p style="margin:0"><a href="{url}" style="display:inline-block;padding:10px 18px;border-radius:8px;\
background:#1a1a18;color:#fff;text-decoration:none">{label}</a></p>"""
SETTINGS: Final = "/app/settings"
"""The page where a person says what is sent."""


class Mail:
    """Sends by e-mail; `place` is where people reach the server."""

    def __init__(self, smtp: Smtp, place: str) -> None:
        self._smtp, self._settings = smtp, place + SETTINGS

    async def send(self, parcel: Parcel) -> None:
        """Hand a mail to the server. Raises: Undelivered."""
        smtp = self._smtp
        try:
            await aiosmtplib.send(
                written(parcel, smtp.sender, self._settings),
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


def written(parcel: Parcel, sender: str, settings: str) -> EmailMessage:
    """Return the mail of a parcel; its id is the parcel's, so that a mailbox can tell a repeat.

    `settings` is the page where its reader says whether there are to be more.
    """
    document = parcel.document
    mail = EmailMessage(policy=SMTP)
    mail["From"] = sender
    mail["To"] = parcel.target
    mail["Subject"] = document["title"]
    mail["Date"] = format_datetime(parcel.at)
    mail["Message-ID"] = f"<{parcel.id}@{parseaddr(sender)[1].rpartition('@')[2]}>"
    mail["Auto-Submitted"] = "auto-generated"
    mail["List-Unsubscribe"] = f"<{settings}>"
    why = messages.say("mail.why", document["language"])
    mail.set_content(f"{document['text']}\n\n-- \n{why} {settings}\n")
    mail.add_alternative(page(document, settings), subtype="html")
    mail["Content-Language"] = document["language"]  # Last: what was there before would go with the text.
    return mail


def page(document: dict[str, Any], settings: str) -> str:
    """Return a notice as HTML: nothing of it is fetched from anywhere. A button says where to buy."""
    url, language, text = document["purchase_url"], document["language"], document["text"]
    button = ""
    if url:
        button = BUTTON.format(url=escape(url), label=escape(messages.say("notice.buy", language)))
        text = text.removesuffix(messages.say("purchase.at", language, purchase_url=url)).rstrip()
    return PAGE.format(
        language=escape(language),
        title=escape(document["title"]),
        text=escape(text),
        gap=" 0 16px" if button else "",
        button=button,
        why=escape(messages.say("mail.why", language)),
        place=escape(settings),
        settings=escape(messages.say("mail.settings", language)),
    )
