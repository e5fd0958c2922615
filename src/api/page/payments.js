// What the payment provider reported, and what came of it.

import { money } from "./format.js";
import { openList } from "./list.js";
import { VERDICTS, meaning } from "./verdicts.js";

export const title = "Payments";

export function named({ order_id: order, hold_id: hold }) {
  return order === null ? `hold ${hold}` : `order ${order}`;
}

function refund(payment) {
  if (!payment.refund_due) return "–";
  return payment.resolved_at ? `settled: ${payment.note ?? "no note"}` : "due";
}

export const HEADS = ["Event", "Received", "For", "Amount", "Reported", "What came of it", "Transaction", "Refund"];

export function cells(payment) {
  return [
    String(payment.webhook_id),
    { utc: payment.received_at },
    named(payment),
    money(payment.amount),
    payment.status,
    meaning(payment.verdict),
    payment.transaction_id ?? "–",
    refund(payment),
  ];
}

export function open(app) {
  return openList(app, {
    caption: "Payment events, newest first",
    path: "/admin/api/payments",
    choice: { label: "Verdict", name: "verdict", words: VERDICTS },
    heads: HEADS,
    key: (payment) => payment.webhook_id,
    cells,
  });
}
