// How an order is paid that waits for it: by whom, and the way there.
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useRef } from "react";
import { useTranslation } from "react-i18next";
import { useSearchParams } from "react-router";

import { checkOutOrder, type Order } from "../../api";
import { checkOutOrderMutation, confirmTossPaymentMutation, showOrderQueryKey } from "../../api/@tanstack/react-query.gen";
import { Button } from "../../parts/button";
import { Failed, isProblem } from "../../parts/problem";
import { openToss } from "./toss";

const KNOWN = ["stripe", "toss", "callback"];

const pathOf = (order: Order) => ({ ref: "me", order: order.id });

export function Paying({ order }: { order: Order }) {
  const { t } = useTranslation();
  return (
    <div className="space-y-4">
      <p>{t(`order.how.${KNOWN.includes(order.provider) ? order.provider : "manual"}`)}</p>
      {order.provider === "stripe" && <ByStripe order={order} />}
      {order.provider === "toss" && <ByToss order={order} />}
      {order.provider === "callback" && <InShop order={order} />}
      <p className="flex items-center gap-3 text-sm text-soft">
        <span aria-hidden className="size-2 shrink-0 rounded-full bg-notice" />
        {t("order.waits")}
      </p>
    </div>
  );
}

/** Stripe's page, made when somebody wants to go there. */
function ByStripe({ order }: { order: Order }) {
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

/** The page of the deployment's own shop, where it says one. */
function InShop({ order }: { order: Order }) {
  const { t } = useTranslation();
  const { data, error, refetch } = useQuery({
    queryKey: ["checkout", order.id],
    queryFn: async () => (await checkOutOrder({ path: pathOf(order), throwOnError: true })).data,
    staleTime: Infinity,
  });
  if (error && !data) return <Failed error={error} again={refetch} />;
  const url = data?.checkout?.url;
  if (!url) return null;
  return (
    <a href={url} className="inline-flex min-h-10 items-center rounded-lg bg-brand px-4 text-sm font-medium text-on-brand hover:brightness-110">
      {t("order.pay")}
    </a>
  );
}
