// Who used a coupon and what it brought them; and the window that ends one.
import { useMutation } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { Link } from "react-router";

import type { Coupon, CouponUse } from "../../../api";
import { endCouponMutation, listRedemptionsInfiniteOptions } from "../../../api/@tanstack/react-query.gen";
import { Act } from "../../../parts/act";
import { Answer } from "../../../parts/answer";
import { Button } from "../../../parts/button";
import { useMoment } from "../../../parts/date";
import { Dialog } from "../../../parts/dialog";
import { LIVE_MS } from "../../../parts/live";
import { usePages } from "../../../parts/pages";
import { Empty } from "../../../parts/problem";
import { More } from "../../../parts/table";
import { said, useDone } from "../acting";
import { placeOf } from "../account/lines";
import { Gives, State, Uses } from "./coupon";

const PAGE = 20;

export function Users({ coupon, onClose }: { coupon: Coupon; onClose: () => void }) {
  const { t } = useTranslation();
  const moment = useMoment();
  const asked = { path: { code: coupon.code }, query: { limit: PAGE } };
  const pages = usePages(listRedemptionsInfiniteOptions(asked), { refetchInterval: LIVE_MS });
  const facts = [
    coupon.note,
    coupon.plans.length > 0 && t("coupons.onlyPlans", { names: coupon.plans.join(", ") }),
    coupon.packages.length > 0 && t("coupons.onlyPackages", { names: coupon.packages.join(", ") }),
    t("coupons.madeBy", { at: moment(coupon.created_at), actor: coupon.created_by }),
    coupon.ended_at && t("coupons.endedAt", { at: moment(coupon.ended_at) }),
  ].filter(Boolean);
  return (
    <Dialog open onClose={onClose} title={coupon.code}>
      <p className="flex flex-wrap items-center gap-x-3 gap-y-1">
        <State of={coupon} />
        <span>
          <Gives of={coupon} />
        </span>
        <span className="text-soft">
          {t("coupons.used")}: <Uses of={coupon} />
        </span>
      </p>
      <ul className="mt-3 space-y-1 text-sm break-words text-soft">
        {facts.map((fact) => (
          <li key={String(fact)}>{fact}</li>
        ))}
      </ul>
      <h3 className="mt-5 mb-2 font-medium">{t("coupons.who")}</h3>
      <Answer of={pages} rows={3}>
        {(uses) => {
          if (uses.length === 0) return <Empty>{t("coupons.nobody")}</Empty>;
          return (
            <ul aria-label={t("coupons.who")} className="divide-y divide-line rounded-card border border-line">
              {uses.map((one) => (
                <Use key={one.order} use={one} discounts={coupon.discount > 0} />
              ))}
            </ul>
          );
        }}
      </Answer>
      <More of={pages} />
      <Button kind="plain" className="mt-4 w-full" onClick={onClose}>
        {t("form.close")}
      </Button>
    </Dialog>
  );
}

function Use({ use, discounts }: { use: CouponUse; discounts: boolean }) {
  const { t } = useTranslation();
  const moment = useMoment();
  const worth = discounts ? t("coupons.paid", { discount: use.discount.shown, price: use.price.shown }) : use.credit.shown;
  return (
    <li className="px-4 py-3 text-sm">
      <div className="flex flex-wrap items-baseline justify-between gap-x-3">
        <Link to={placeOf(use.account)} className="font-medium break-all text-brand underline">
          {use.account}
        </Link>
        <time dateTime={use.at} className="text-soft">
          {moment(use.at)}
        </time>
      </div>
      <p className="mt-0.5 text-soft">
        {[worth, ...(use.state === "completed" ? [] : [t(`coupons.orders.${use.state}`)])].join(" · ")} ·{" "}
        <Link to={`/operator/orders/${use.order}`} aria-label={t("coupons.orderOf", { account: use.account })} className="text-brand underline">
          {t("coupons.order")}
        </Link>
      </p>
    </li>
  );
}

export function Ending({ code, onClose }: { code: string; onClose: () => void }) {
  const { t } = useTranslation();
  const done = useDone(onClose);
  const end = useMutation(endCouponMutation());
  const send = (form: FormData) =>
    end.mutate({ path: { code }, body: { reason: said(form, "reason") } }, { onSuccess: () => done(t("coupons.ended", { code })) });
  return <Act open onClose={onClose} title={t("coupons.endOf", { code })} lead={t("coupons.endLead")} verb={t("coupons.ending")} grave why does={end} onSend={send} />;
}
