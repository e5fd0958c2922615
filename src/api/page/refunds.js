// Money that is owed: what is due first, the oldest above all, then what was settled. Below it the orders whose money is in
// question.

import { command, get, now } from "./api.js";
import { el, fill, row, setAttribute, setText, show, table, time } from "./dom.js";
import { field } from "./fields.js";
import { money, print, span } from "./format.js";
import { disputes, unmatched } from "./money_back.js";
import { pager } from "./pager.js";
import { named } from "./payments.js";
import { meaning } from "./verdicts.js";

export const title = "Refunds";

const HEADS = ["Refund", "For", "Amount", "Transaction", "Why", "Received", "Age", "State"];

export function open(app) {
  const rows = table("Refunds, those due first", HEADS);
  const empty = el("p", { class: "quiet", hidden: true }, "Nothing is owed, and nothing was.");
  const sum = el("p", { class: "books" });
  const pages = pager(app.refresh);
  const below = [disputes(), unmatched(app)];
  /** What was settled, as it was when so much was due. */
  let settled = null;

  async function refresh(signal) {
    await refunds(signal);
    for (const section of below) await section.refresh(signal);
  }

  async function refunds(signal) {
    const isSettledPage = pages.cursor?.startsWith("settled ");
    const due = isSettledPage ? { data: [], next_cursor: null } : await list("due", pages.cursor, signal);
    if (due.next_cursor) return draw(due, due.next_cursor);
    const cursor = isSettledPage ? pages.cursor.slice("settled ".length) : null;
    const asked = JSON.stringify([cursor, due.data.map((it) => it.webhook_id)]);
    if (settled?.asked !== asked) settled = { asked, ...await list("resolved", cursor, signal) };
    const next = settled.next_cursor ? `settled ${settled.next_cursor}` : null;
    const oldestFirst = pages.cursor ? due.data : [...due.data].reverse();
    draw({ data: [...oldestFirst, ...settled.data] }, next);
  }

  function draw({ data }, next) {
    empty.hidden = data.length > 0;
    const due = data.filter((it) => it.resolved_at === null).length;
    const more = pages.isOnly(next) || data.some((it) => it.resolved_at !== null) ? "" : "More than ";
    if (!pages.cursor) {
      const oldest = data.filter((it) => it.resolved_at === null).map((it) => new Date(it.received_at)).sort((a, b) => a - b)[0];
      const age = oldest && more === "" ? `, the oldest for ${span((now() - oldest) / 1_000)}` : "";
      setText(sum, due === 0 ? "Nothing is due." : `${more}${due} due${age}.`);
      setAttribute(sum, "class", due === 0 ? "books" : "books due");
    }
    show(rows.body, data, (it) => it.webhook_id, create, (node, it) => update.get(node)(it));
    pages.update(next);
  }

  /** How to draw each row. */
  const update = new WeakMap();

  function create(it) {
    const node = row(HEADS);
    const pay = el("button", { type: "button", class: "primary", click: () => payBack(app, it) }, "Mark as paid back");
    const accept = el("button", { type: "button", class: "plain", click: () => take(app, it) }, "Accept the money");
    const buttons = el("div", { class: "buttons" }, pay, ...(it.order_id === null ? [] : [accept]));
    update.set(node, (refund) => {
      const state = refund.resolved_at === null ? buttons : settledState(node, refund);
      const age = span((now() - new Date(refund.received_at)) / 1_000);
      fill(node, [
        String(refund.webhook_id),
        named(refund),
        money(refund.amount),
        refund.transaction_id ?? "–",
        meaning(refund.verdict),
        { utc: refund.received_at },
        age,
        state,
      ]);
    });
    return node;
  }

  const parts = below.map((section) => section.element);
  return { element: el("div", {}, sum, rows.element, empty, pages.element, ...parts), refresh };
}

function list(status, cursor, signal) {
  const more = cursor ? `&cursor=${encodeURIComponent(cursor)}` : "";
  return get(`/admin/api/refunds?limit=50&status=${status}${more}`, signal);
}

const states = new WeakMap();

/** Made once a row: what is settled changes no more. */
function settledState(node, refund) {
  if (!states.has(node)) {
    const note = refund.note ?? "no note";
    states.set(node, el("span", { class: "settled" }, "Settled ", time(refund.resolved_at), `: ${note}`));
  }
  return states.get(node);
}

function payBack(app, refund) {
  const note = field({ name: "note", label: "Note", hint: "For your own books: how, and by whom." });
  app.ask({
    title: "Mark as paid back",
    action: "Mark as paid back",
    isDanger: true,
    says: [
      el("p", {}, `You say that ${owed(refund)} went back to the buyer. The page moves no money; it only takes it off the list.`),
    ],
    fields: [note],
    async confirm() {
      const body = note.value === "" ? {} : { note: note.value };
      await command("POST", `/admin/api/refunds/${refund.webhook_id}/resolve`, print(body));
      app.done(`Refund ${refund.webhook_id} is marked as paid back.`);
    },
  });
}

function take(app, refund) {
  app.ask({
    title: "Accept the money",
    action: "Accept the money",
    isDanger: true,
    says: [
      el("p", {}, `Order ${refund.order_id} becomes paid by ${owed(refund)}, whatever its total, and nothing goes back to the buyer. `
        + "An order that had ended takes its units again, if they are there."),
    ],
    async confirm() {
      await command("POST", `/admin/api/refunds/${refund.webhook_id}/accept`, "{}");
      app.done(`Order ${refund.order_id} is paid; nothing goes back.`);
    },
  });
}

function owed({ amount, transaction_id: transaction }) {
  const what = amount === null ? "a payment without an amount" : money(amount);
  return transaction ? `${what} (transaction ${transaction})` : what;
}
