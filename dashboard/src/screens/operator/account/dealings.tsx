// What else an account had to do with: its orders, what it was told, how much it chatted, and what was done to it.
import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";

import type { Account } from "../../../api";
import {
  listAuditLogInfiniteOptions, listNoticesInfiniteOptions, listOrdersInfiniteOptions, showChatUseOptions,
} from "../../../api/@tanstack/react-query.gen";
import { Answer } from "../../../parts/answer";
import { useCount } from "../../../parts/count";
import { useMoment } from "../../../parts/date";
import { Figure, Figures } from "../../../parts/figure";
import { usePages } from "../../../parts/pages";
import { Empty } from "../../../parts/problem";
import { More, Table } from "../../../parts/table";
import { OrderState } from "../../buy/orders";
import { Part } from "./part";
import "../../../words/buy";

const PAGE = 10;

export function Dealings({ account }: { account: Account }) {
  return (
    <div className="space-y-8">
      <Chat account={account.ref} />
      <Orders account={account.ref} />
      <Notices account={account.ref} />
      <Done account={account.ref} />
    </div>
  );
}

function Chat({ account }: { account: string }) {
  const { t } = useTranslation();
  const moment = useMoment();
  const count = useCount();
  const chat = useQuery(showChatUseOptions({ path: { ref: account } }));
  return (
    <Part title={t("account.chat")}>
      <Answer of={chat}>
        {(data) => (
          <Figures>
            <Figure title={t("account.chatFigure.sessions")} note={t("account.chatFigure.archived", { count: data.archived })}>
              {count(data.sessions)}
            </Figure>
            <Figure title={t("account.chatFigure.turns")} note={data.last_at ? t("account.chatFigure.last", { at: moment(data.last_at) }) : t("account.chatFigure.never")}>
              {count(data.turns)}
            </Figure>
            <Figure title={t("account.chatFigure.tokens")}>{count(data.tokens)}</Figure>
            <Figure title={t("account.chatFigure.charged")}>{data.charged.shown}</Figure>
          </Figures>
        )}
      </Answer>
    </Part>
  );
}

function Orders({ account }: { account: string }) {
  const { t } = useTranslation();
  const moment = useMoment();
  const asked = { path: { ref: account }, query: { limit: PAGE } };
  const pages = usePages(listOrdersInfiniteOptions(asked));
  return (
    <Part title={t("account.orders")}>
      <Answer of={pages}>
        {(orders) => {
          if (orders.length === 0) return <Empty>{t("account.ordersNone")}</Empty>;
          return (
            <Table
              caption={t("account.orders")}
              rows={orders}
              keyOf={(one) => one.id}
              columns={[
                {
                  name: "when",
                  title: t("account.order.when"),
                  cell: (one) => (
                    <Link to={`/operator/orders/${one.id}`} aria-label={t("account.order.open", { at: moment(one.created_at) })} className="whitespace-nowrap text-brand underline">
                      {moment(one.created_at)}
                    </Link>
                  ),
                },
                { name: "id", title: t("account.order.id"), from: "md", cell: (one) => <code className="font-mono text-xs break-all">{one.id}</code> },
                { name: "credit", title: t("account.order.credit"), figure: true, cell: (one) => one.credit.shown },
                { name: "price", title: t("account.order.price"), figure: true, cell: (one) => one.price.shown },
                { name: "state", title: t("account.order.state"), cell: (one) => <OrderState of={one} /> },
              ]}
            />
          );
        }}
      </Answer>
      <More of={pages} />
    </Part>
  );
}

function Notices({ account }: { account: string }) {
  const { t } = useTranslation();
  const moment = useMoment();
  const asked = { path: { ref: account }, query: { limit: PAGE } };
  const pages = usePages(listNoticesInfiniteOptions(asked));
  return (
    <Part title={t("account.notices")}>
      <Answer of={pages}>
        {(notices) => {
          if (notices.length === 0) return <Empty>{t("account.noticesNone")}</Empty>;
          return (
            <Table
              caption={t("account.notices")}
              rows={notices}
              keyOf={(one) => one.id}
              columns={[
                { name: "when", title: t("account.notice.when"), cell: (one) => <span className="whitespace-nowrap">{moment(one.at)}</span> },
                {
                  name: "what",
                  title: t("account.notice.what"),
                  cell: (one) => (
                    <>
                      {one.title}
                      <span className="block text-soft">{one.text}</span>
                    </>
                  ),
                },
                { name: "read", title: t("account.notice.read"), cell: (one) => (one.read_at ? moment(one.read_at) : t("account.notice.unread")) },
              ]}
            />
          );
        }}
      </Answer>
      <More of={pages} />
    </Part>
  );
}

/** The audit log of this account: who changed what, and why. */
function Done({ account }: { account: string }) {
  const { t } = useTranslation();
  const moment = useMoment();
  const asked = { query: { subject: account, limit: PAGE } };
  const pages = usePages(listAuditLogInfiniteOptions(asked));
  const all = (
    <Link to={`/operator/audit?subject=${encodeURIComponent(account)}`} className="text-sm text-brand underline">
      {t("nav.audit")}
    </Link>
  );
  return (
    <Part title={t("account.audit")} aside={all}>
      <Answer of={pages}>
        {(changes) => {
          if (changes.length === 0) return <Empty>{t("account.auditNone")}</Empty>;
          return (
            <Table
              caption={t("account.audit")}
              rows={changes}
              keyOf={(one) => one.id}
              columns={[
                { name: "when", title: t("account.notice.when"), cell: (one) => <span className="whitespace-nowrap">{moment(one.at)}</span> },
                { name: "what", title: t("account.notice.what"), cell: (one) => <code className="font-mono text-xs">{one.action}</code> },
                { name: "who", title: t("account.key.by"), cell: (one) => <span className="break-all">{one.actor}</span> },
                { name: "why", title: t("form.reason"), cell: (one) => one.reason || "–" },
              ]}
            />
          );
        }}
      </Answer>
      <More of={pages} />
    </Part>
  );
}
