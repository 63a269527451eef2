// How an order is paid that waits for it: by whom, and the way there.
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useEffect, useRef } from "react";
import { useTranslation } from "react-i18next";
import { useSearchParams } from "react-router";

import type { Order } from "../../api";
import { checkOutOrderMutation, confirmTossPaymentMutation, showOrderQueryKey } from "../../api/@tanstack/react-query.gen";
import { Button } from "../../parts/button";
import { Failed, isProblem } from "../../parts/problem";
import { openToss } from "./toss";

const KNOWN = ["stripe", "toss", "callback"];

const pathOf = (order: Order) => ({ ref: "me", order: order.id });

export function Paying({ order, onPage }: { order: Order; onPage: boolean }) {
  const { t } = useTranslation();
  const came = useCame();
  if (came === "paid") return <Waiting>{t("order.came.paid")}</Waiting>;
  return (
    <div className="space-y-4">
      {came === "back" && <p role="status" className="rounded-lg border border-warn/50 px-3 py-2 text-sm">{t("order.came.back")}</p>}
      <p>{t(`order.how.${KNOWN.includes(order.provider) ? order.provider : "manual"}`)}</p>
      {onPage && <OnPage order={order} />}
      {order.provider === "toss" && <ByToss order={order} />}
      <Waiting>{t("order.waits")}</Waiting>
    </div>
  );
}

/** Returns how somebody came back from where they pay, as its address said: we ask to be told, Toss has its own way. */
function useCame(): "paid" | "back" | null {
  const [asked] = useSearchParams();
  if (asked.has("code")) return "back";
  const came = asked.get("came");
  return came === "paid" || came === "back" ? came : null;
}

function Waiting({ children }: { children: string }) {
  return (
    <p role="status" className="flex items-center gap-3 text-sm text-soft">
      <span aria-hidden className="size-2 shrink-0 animate-ping rounded-full bg-notice motion-reduce:animate-none" />
      {children}
    </p>
  );
}

/** A page elsewhere: Stripe's, or the shop's. It is asked for when somebody wants to go there. */
function OnPage({ order }: { order: Order }) {
  const { t } = useTranslation();
  const pay = useMutation({ ...checkOutOrderMutation(), onSuccess: ({ checkout }) => checkout?.url && location.assign(checkout.url) });
  return (
    <>
      <Button disabled={pay.isPending || pay.isSuccess} onClick={() => pay.mutate({ path: pathOf(order) })}>
        {t("order.pay")}
      </Button>
      {pay.error && <Failed error={pay.error} />}
    </>
  );
}

/** Toss' window over this page; who agreed there comes back here, and the payment is confirmed for our own price. */
function ByToss({ order }: { order: Order }) {
  const { t } = useTranslation();
  const confirming = useConfirming(order);
  const pay = useMutation({ ...checkOutOrderMutation(), onSuccess: async ({ checkout }) => checkout && (await openToss(order, checkout)) });
  if (confirming.isPending) return <p role="status">{t("order.confirming")}</p>;
  return (
    <>
      <Button disabled={pay.isPending} onClick={() => pay.mutate({ path: pathOf(order) })}>
        {t("order.pay")}
      </Button>
      {isProblem(pay.error) ? <Failed error={pay.error} /> : pay.error && <p role="alert" className="text-sm text-bad">{t("order.noWindow")}</p>}
      {confirming.error && <Failed error={confirming.error} />}
    </>
  );
}

/** Confirms what Toss' window brought back in the address, once, and cleans the address. */
function useConfirming(order: Order) {
  const queries = useQueryClient();
  const [asked, setAsked] = useSearchParams();
  const sent = useRef(false);
  const confirm = useMutation({
    ...confirmTossPaymentMutation(),
    onSuccess: (paid) => queries.setQueryData(showOrderQueryKey({ path: pathOf(order) }), paid),
  });
  const payment_key = asked.get("paymentKey");
  const amount = asked.get("amount");
  useEffect(() => {
    if (sent.current || payment_key === null || amount === null) return;
    sent.current = true;
    confirm.mutate({ path: pathOf(order), body: { payment_key, amount: Number(amount) } });
    setAsked({}, { replace: true });
  });
  return confirm;
}
