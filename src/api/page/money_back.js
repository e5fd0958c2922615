// Orders whose money is in question: disputed, or gone back while their units are still sold. Both lists are short; the
// newest are shown.

import { command, get } from "./api.js";
import * as catalogue from "./catalogue.js";
import { el, fill, row, setText, show, table } from "./dom.js";
import { money, print, units } from "./format.js";

const SHOWN_MAX = 50;

export function disputes() {
  const heads = ["Disputed order", "Item", "Units", "Total", "Money back", "Buyer", "Transaction"];
  return section({ heads, title: "Open disputes", none: "No payment is disputed.", query: "dispute=open" }, (order) => [
    String(order.order_id),
    catalogue.name(order.product_id),
    units(order.quantity - order.refunded_quantity),
    money(order.total_price),
    money(order.refunded_amount),
    order.customer ?? "–",
    order.transaction_id ?? "–",
  ]);
}

export function unmatched(app) {
  const heads = ["Order with money back", "Item", "Units still sold", "Total", "Money back", "Buyer", "What became of the units"];
  const none = "No money went back whose units were not given back.";
  const title = "Money back, units not";
  return section({ heads, title, none, query: "money_back=unmatched" }, (order, kept) => [
    String(order.order_id),
    catalogue.name(order.product_id),
    units(order.quantity - order.refunded_quantity),
    money(order.total_price),
    money(order.refunded_amount),
    order.customer ?? "–",
    kept(() => {
      const back = el("button", { type: "button", class: "primary", click: () => give(app, order, true) }, "Back in stock");
      const gone = el("button", { type: "button", class: "plain", click: () => give(app, order, false) }, "Out of the sale");
      return el("div", { class: "buttons" }, back, gone);
    }),
  ]);
}

/** `cells` may keep a node of its row, made once. */
function section({ heads, title, none, query }, cells) {
  const rows = table(title, heads);
  const empty = el("p", { class: "quiet" }, none);
  const more = el("p", { class: "quiet" });
  const nodes = new WeakMap();
  rows.element.hidden = true;

  async function refresh(signal) {
    const { data, next_cursor } = await get(`/admin/api/orders?limit=${SHOWN_MAX}&${query}`, signal);
    if (data.some((order) => !catalogue.has(order.product_id))) await catalogue.load(signal);
    rows.element.hidden = data.length === 0;
    empty.hidden = data.length > 0;
    setText(more, next_cursor ? `These are the newest ${SHOWN_MAX}; there are more.` : "");
    const update = (node, order) => fill(node, cells(order, (make) => {
      if (!nodes.has(node)) nodes.set(node, make());
      return nodes.get(node);
    }));
    show(rows.body, data, (order) => order.order_id, () => row(heads), update);
  }

  return { element: el("section", {}, el("h2", {}, title), rows.element, empty, more), refresh };
}

function give(app, order, restock) {
  const all = units(order.quantity - order.refunded_quantity);
  const action = restock ? "Back in stock" : "Out of the sale";
  const where = restock ? "are available again" : "leave the sale";
  app.ask({
    title: `Give back ${all} of order ${order.order_id}`,
    action,
    isDanger: true,
    says: [el("p", {}, `${all} ${where}, and the order becomes refunded. The page moves no money.`)],
    async confirm() {
      await command("POST", `/admin/api/orders/${order.order_id}/refund`, print({ restock }));
      app.done(`Order ${order.order_id} is refunded; its units ${where}.`);
    },
  });
}
