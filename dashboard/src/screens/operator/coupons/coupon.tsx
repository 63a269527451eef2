// A coupon in words: how it stands, what it gives, and how often of how often it was used.
import { useTranslation } from "react-i18next";

import type { Coupon } from "../../../api";
import { useCount } from "../../../parts/count";
import { Badge, type Tone } from "../../../parts/figure";

const TONES: Record<Coupon["state"], Tone> = { active: "good", waiting: "notice", expired: "plain", "used up": "plain", ended: "bad" };

export function State({ of: { state } }: { of: Coupon }) {
  const { t } = useTranslation();
  return <Badge tone={TONES[state]}>{t(`coupons.states.${state}`)}</Badge>;
}

export function Gives({ of: { discount, discount_percent: percent, credit, credit_days: days } }: { of: Coupon }) {
  const { t } = useTranslation();
  const count = useCount();
  if (discount > 0) return <span className="whitespace-nowrap">{t("coupons.off", { percent })}</span>;
  return (
    <>
      <span className="whitespace-nowrap">{credit.shown}</span>
      {days > 0 && <span className="block whitespace-nowrap text-soft">{t("coupons.lives", { days: count(days) })}</span>}
    </>
  );
}

export function Uses({ of: { uses, uses_max: most } }: { of: Coupon }) {
  const { t } = useTranslation();
  const count = useCount();
  return <>{most === null ? t("coupons.usedAny", { uses: count(uses) }) : t("coupons.usedOf", { uses: count(uses), most: count(most) })}</>;
}
