// One line of the journal, explained: tokens x rate x multiplier, what it did to which credit, what belongs to it.
import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import { useTranslation } from "react-i18next";

import type { EntryInFull, Reckoning, Tokens } from "../../api";
import { showEntryOptions } from "../../api/@tanstack/react-query.gen";
import { Answer } from "../../parts/answer";
import { Button } from "../../parts/button";
import { useCount } from "../../parts/count";
import { useMoment } from "../../parts/date";
import { Dialog } from "../../parts/dialog";
import { Table } from "../../parts/table";
import "../../words/history";

export function Entry({ account, seq, onClose }: { account: string; seq: number; onClose: () => void }) {
  const { t } = useTranslation();
  const entry = useQuery(showEntryOptions({ path: { ref: account, seq } }));
  return (
    <Dialog open onClose={onClose} title={t("entry.title", { seq })}>
      <Answer of={entry} rows={5}>
        {(data) => <Told entry={data} />}
      </Answer>
      <Button kind="plain" className="mt-5 w-full" onClick={onClose}>
        {t("form.close")}
      </Button>
    </Dialog>
  );
}

function Told({ entry }: { entry: EntryInFull }) {
  const { t, i18n } = useTranslation();
  const moment = useMoment();
  const source = i18n.exists(`entry.sources.${entry.source}`) ? t(`entry.sources.${entry.source}`) : entry.source;
  const call = entry.kind === "charge" || entry.kind === "use";
  return (
    <div className="space-y-5">
      <p className="font-medium">{t(`kind.${entry.kind}`)}</p>
      <dl className="grid grid-cols-[auto_minmax(0,1fr)] gap-x-4 gap-y-1.5 text-sm">
        <Fact title={t("history.when")}>{moment(entry.at)}</Fact>
        <Fact title={t("history.amount")}>{entry.amount.shown}</Fact>
        <Fact title={t("history.after")}>{entry.balance_after.shown}</Fact>
        {call && <Fact title={t("entry.cost")}>{entry.charge.shown}</Fact>}
        {entry.model && <Fact title={t("history.model")}>{entry.model}</Fact>}
        {entry.usage && <Fact title={t("history.tokens")}>{<Kinds usage={entry.usage} />}</Fact>}
        {call && entry.source && <Fact title={t("entry.source")}>{source}</Fact>}
        {entry.actor && <Fact title={t("entry.actor")}>{entry.actor}</Fact>}
        {entry.note && <Fact title={t("entry.note")}>{entry.note}</Fact>}
        {entry.operation && <Fact title={t("entry.operation")}>{<code className="font-mono text-xs">{entry.operation}</code>}</Fact>}
      </dl>
      {call && (entry.reckoning ? <Reckoned found={entry.reckoning} /> : <p className="text-sm text-soft">{t("entry.given")}</p>)}
      {entry.lots.length > 0 && (
        <Part title={t("entry.lots")}>
          {entry.lots.map((one) => (
            <Line key={one.lot} title={t("entry.lot", { lot: one.lot })} figure={one.change.shown} />
          ))}
        </Part>
      )}
      {entry.related.length > 0 && (
        <Part title={t("entry.related")}>
          {entry.related.map((one) => (
            <Line key={one.seq} title={`${t(`kind.${one.kind}`)}, ${moment(one.at)}`} figure={one.amount.shown} />
          ))}
        </Part>
      )}
    </div>
  );
}

/** The tokens of a call, each kind that there were any of. */
export function Kinds({ usage }: { usage: Tokens }) {
  const { t } = useTranslation();
  const count = useCount();
  const kinds = Object.entries(usage).filter(([, tokens]) => tokens > 0);
  return kinds.map(([kind, tokens]) => `${t(`entry.usage.${kind}`)} ${count(tokens)}`).join(" · ");
}

function Reckoned({ found }: { found: Reckoning }) {
  const { t } = useTranslation();
  const count = useCount();
  return (
    <section>
      <h3 className="mb-2 text-sm font-medium">{t("entry.reckoning")}</h3>
      <Table
        caption={t("entry.reckoning")}
        rows={found.lines}
        keyOf={(line) => line.kind}
        columns={[
          { name: "kind", title: t("entry.kind"), cell: (line) => t(`entry.usage.${line.kind}`) },
          { name: "tokens", title: t("history.tokens"), figure: true, cell: (line) => count(line.tokens) },
          { name: "price", title: t("entry.price"), figure: true, cell: (line) => (line.per === 1 ? line.price : t("entry.per", { price: line.price, per: count(line.per) })) },
          { name: "product", title: t("entry.product"), figure: true, cell: (line) => line.product },
        ]}
      />
      <ul className="mt-2 space-y-1 text-sm text-soft">
        <li>{found.rate ? t("entry.rate", { rate: found.rate, pattern: found.rate_pattern }) : t("entry.ownRate")}</li>
        {found.above > 0 && <li>{t("entry.above", { above: count(found.above) })}</li>}
        <li>{t("entry.times", { multiplier: found.multiplier, plan: found.plan, version: found.plan_version })}</li>
        {Number(found.discount) !== 0 && <li>{t("entry.less", { discount: found.discount })}</li>}
        <li>{t("entry.rounded", { exact: found.exact, charge: found.charge.shown })}</li>
        {Number(found.minimum.value) !== 0 && <li>{t("entry.minimum", { minimum: found.minimum.shown })}</li>}
      </ul>
    </section>
  );
}

function Fact({ title, children }: { title: string; children: ReactNode }) {
  return (
    <>
      <dt className="text-soft">{title}</dt>
      <dd className="min-w-0 wrap-anywhere">{children}</dd>
    </>
  );
}

function Part({ title, children }: { title: string; children: ReactNode }) {
  return (
    <section>
      <h3 className="mb-1 text-sm font-medium">{title}</h3>
      <ul className="space-y-1 text-sm">{children}</ul>
    </section>
  );
}

function Line({ title, figure }: { title: string; figure: string }) {
  return (
    <li className="flex justify-between gap-4">
      <span className="text-soft">{title}</span>
      <span>{figure}</span>
    </li>
  );
}
