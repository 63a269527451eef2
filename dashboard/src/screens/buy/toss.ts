// Toss Payments' window, opened by its own script: https://docs.tosspayments.com/sdk/v2/js
import type { Checkout, Order } from "../../api";

const SCRIPT = "https://js.tosspayments.com/v2/standard";
/** A buyer who is not known to Toss; it remembers no card of theirs. */
const ANONYMOUS = "ANONYMOUS";

interface Asked {
  method: "CARD";
  amount: { currency: string; value: number };
  orderId: string;
  orderName: string;
  successUrl: string;
  failUrl: string;
}

declare global {
  interface Window {
    TossPayments?: (clientKey: string) => { payment: (who: { customerKey: string }) => { requestPayment: (asked: Asked) => Promise<void> } };
  }
}

function load(): Promise<void> {
  if (window.TossPayments) return Promise.resolve();
  return new Promise((loaded, failed) => {
    const script = document.createElement("script");
    script.src = SCRIPT;
    script.onload = () => loaded();
    script.onerror = () => {
      script.remove();
      failed(new Error(SCRIPT));
    };
    document.head.append(script);
  });
}

/** Opens the window; a person who agrees there comes back to the order's page, with what confirms it. */
export async function openToss(order: Order, { client_key, order_name, price }: Checkout): Promise<void> {
  await load();
  const here = new URL(`/app/buy/${order.id}`, location.href).href;
  const asked: Asked = {
    method: "CARD",
    amount: { currency: price.currency, value: price.minor },
    orderId: order.id,
    orderName: order_name ?? "",
    successUrl: here,
    failUrl: `${here}?came=back`,
  };
  await window.TossPayments?.(client_key ?? "").payment({ customerKey: ANONYMOUS }).requestPayment(asked);
}
