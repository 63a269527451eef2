// An order that is ended by hand: completed, as if it had been paid, or given up.
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";

import type { Order } from "../../../api";
import { completeOrderMutation, failOrderMutation } from "../../../api/@tanstack/react-query.gen";
import { Act } from "../../../parts/act";
import { useTell } from "../../../parts/told";

export interface ActProps {
  order: Order;
  open: boolean;
  onClose: () => void;
}

/** Returns what says what was done, and has everything asked again that an order's end changes. */
export function useDone(onClose: () => void): (title: string, description?: string) => Promise<void> {
  const tell = useTell();
  const queries = useQueryClient();
  return async (title, description) => {
    await queries.invalidateQueries();
    onClose();
    tell({ title, ...(description ? { description } : {}) });
  };
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
      onSend={(form) => complete.mutate({ path: { order: order.id }, body: { reason: String(form.get("reason")) } })}
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
      onSend={(form) => fail.mutate({ path: { order: order.id }, body: { reason: String(form.get("reason")) } })}
    />
  );
}
