// By which rate one model is charged, and since when.
import { useQuery } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";

import { showRateHistoryOptions } from "../../../api/@tanstack/react-query.gen";
import { Answer } from "../../../parts/answer";
import { Button } from "../../../parts/button";
import { Card } from "../../../parts/card";
import { useMoment } from "../../../parts/date";
import { Badge } from "../../../parts/figure";
import { Empty } from "../../../parts/problem";
import { Table } from "../../../parts/table";
import { Prices } from "./prices";

export function History({ model, onBack }: { model: string; onBack: () => void }) {
  const { t } = useTranslation();
  const moment = useMoment();
  const history = useQuery(showRateHistoryOptions({ query: { model } }));
  const title = t("rates.history", { model });
  return (
    <Card
      title={title}
      aside={
        <Button kind="plain" onClick={onBack}>
          {t("form.close")}
        </Button>
      }
    >
      <p className="mb-4 text-sm text-soft">{t("rates.historyLead")}</p>
      <Answer of={history}>
        {({ items }) =>
          items.length === 0 ? (
            <Empty>{t("rates.none")}</Empty>
          ) : (
            <Table
              caption={title}
              rows={items}
              keyOf={(row) => `${row.at}-${row.rate.version}`}
              columns={[
                { name: "from", title: t("rates.from"), cell: (row) => (row.at ? moment(row.at) : t("rates.always")) },
                { name: "model", title: t("rates.model"), cell: (row) => <span className="font-mono">{row.rate.model}</span> },
                { name: "prices", title: t("rates.prices"), cell: (row) => <Prices rate={row.rate} /> },
                { name: "layer", title: t("rates.layer"), cell: (row) => <Badge tone={row.rate.listed ? "plain" : "notice"}>{t(`rates.layers.${row.rate.listed ? "listed" : "own"}`)}</Badge> },
                { name: "version", title: t("rates.version"), figure: true, cell: (row) => row.rate.version },
              ]}
            />
          )
        }
      </Answer>
    </Card>
  );
}
