// An order that is ended by hand: completed, as if it had been paid, or given up.
import { useMutation } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";

import type { Order } from "../../../api";
import { completeOrderMutation, failOrderMutation } from "../../../api/@tanstack/react-query.gen";
import { Act } from "../../../parts/act";
import { said, useDone } from "../acting";

export interface ActProps {
  order: Order;
  open: boolean;
  onClose: () => void;
}

export function Completing({ order, open, onClose }: ActProps) {
  const { t } = useTranslation();
  const done = useDone(onClose);
  const complete = useMutation({
    ...completeOrderMutation(),
    onSuccess: (after) => done(t("orders.wasCompleted", { credit: after.credit.shown, account: after.account })),
  });
  return (
    <Act
      open={open}
      onClose={onClose}
      title={t("orders.complete")}
      lead={t("orders.completeLead")}
      verb={t("orders.complete")}
      why
      does={complete}
      onSend={(form) => complete.mutate({ path: { order: order.id }, body: { reason: said(form, "reason") } })}
    />
  );
}

export function Failing({ order, open, onClose }: ActProps) {
  const { t } = useTranslation();
  const done = useDone(onClose);
  const fail = useMutation({ ...failOrderMutation(), onSuccess: () => done(t("orders.wasFailed")) });
  return (
    <Act
      open={open}
      onClose={onClose}
      title={t("orders.fail")}
      lead={t("orders.failLead")}
      verb={t("orders.fail")}
      grave
      why
      does={fail}
      onSend={(form) => fail.mutate({ path: { order: order.id }, body: { reason: said(form, "reason") } })}
    />
  );
}
