// Orders. A row opens to the hold that its order came from, its payments and its movements of stock.

import { get } from "./api.js";
import * as catalogue from "./catalogue.js";
import { el, fill, row, setAttribute, show, table, time } from "./dom.js";
import { count, money, words } from "./format.js";
import { openList } from "./list.js";
import * as payment from "./payments.js";

export const title = "Orders";

const HEADS = ["Order", "Item", "Units", "Total", "Buyer", "State", "Placed", "Paid", "Pay by"];

export function open(app) {
  /** The orders whose rows are open, each with what is shown of it. */
  const opened = new Map();

  function toggle(id) {
    if (!opened.delete(id)) opened.set(id, history(app, id));
    list.redraw();
  }

  const list = openList(app, {
    caption: "Orders, newest first",
    path: "/admin/api/orders",
    choice: { label: "Status", name: "status", words: ["pending", "paid", "cancelled", "expired", "refunded"] },
    heads: HEADS,
    items: (orders) => orders.flatMap((order) => {
      const below = opened.get(order.order_id);
      return below ? [{ order }, { order, below }] : [{ order }];
    }),
    key: ({ order, below }) => (below ? `below ${order.order_id}` : order.order_id),
    create: ({ order, below }) => (below ? below.element : orderRow(order.order_id, toggle)),
    update(node, { order, below }) {
      if (below) return below.update(order);
      const button = node.querySelector("button");
      setAttribute(button, "aria-expanded", String(opened.has(order.order_id)));
      fill(node, [button, ...cells(order)]);
    },
  });
  return list;
}

function cells(order) {
  return [
    catalogue.name(order.product_id),
    count(order.quantity),
    money(order.total_price),
    order.customer ?? "–",
    words(order.status),
    { utc: order.created_at },
    { utc: order.paid_at },
    { utc: order.pay_by },
  ];
}

/** The whole row can be pressed; its button is for the keyboard. */
function orderRow(id, toggle) {
  const node = row(HEADS, { class: "opens", click: () => getSelection().isCollapsed && toggle(id) });
  const button = el("button", { type: "button", class: "opener", "aria-label": `Order ${id}` }, String(id));
  node.firstChild.append(button);
  return node;
}

function history(app, id) {
  const body = el("td", { role: "cell", colspan: HEADS.length }, el("p", { class: "quiet" }, "Loading…"));
  let before = null;

  async function load() {
    try {
      const { order, hold, payments, movements } = await get(`/admin/api/orders/${id}`);
      const paid = part("Payments", payment.HEADS, payments, payment.cells, "None was reported.");
      body.replaceChildren(el("div", { class: "history" }, aboutHold(hold), aboutMoney(order), paid, aboutMovements(movements)));
    } catch (error) {
      before = null;
      app.failed(error);
    }
  }

  return {
    element: el("tr", { role: "row", class: "below" }, body),
    /** Asks again whenever the order has changed. */
    update(order) {
      const after = JSON.stringify(order);
      if (after === before) return;
      before = after;
      load();
    },
  };
}

function aboutHold(hold) {
  return facts("Hold", [
    ["Number", String(hold.hold_id)],
    ["State", words(hold.status)],
    ["Units", count(hold.quantity)],
    ["Unit price", money(hold.unit_price)],
    ["Expires", time(hold.expires_at)],
  ]);
}

/** Only where something came back, or may. */
function aboutMoney(order) {
  const isInQuestion = order.dispute !== null || order.refunded_quantity > 0 || Number(order.refunded_amount) > 0;
  return isInQuestion
    ? facts("Money back", [
      ["Went back", money(order.refunded_amount)],
      ["Units given back", `${count(order.refunded_quantity)} of ${count(order.quantity)}`],
      ["Dispute", order.dispute ?? "–"],
    ])
    : null;
}

function facts(title, pairs) {
  const list = pairs.map(([name, value]) => el("div", {}, el("dt", {}, name), el("dd", {}, value)));
  return el("section", {}, el("h2", {}, title), el("dl", { class: "facts" }, ...list));
}

function aboutMovements(movements) {
  const heads = ["Movement", "At", "What moved", "Available", "Reserved", "Sold"];
  const signed = (number) => (number > 0 ? `+${count(number)}` : count(number));
  const cells = (it) => [
    String(it.version),
    { utc: it.at },
    words(it.kind),
    signed(it.available),
    signed(it.reserved),
    signed(it.sold),
  ];
  return part("Movements", heads, movements, cells, "Nothing moved.");
}

function part(title, heads, items, cells, none) {
  const { element, body } = table(title, heads);
  show(body, items, (item) => item, () => row(heads), (node, item) => fill(node, cells(item)));
  return el("section", {}, el("h2", {}, title), items.length > 0 ? element : el("p", { class: "quiet" }, none));
}
