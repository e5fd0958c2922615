// The products themselves: made, changed, paused, restocked.

import { Refused, command, get, newKey } from "./api.js";
import { el, fill, row, setText, show, table } from "./dom.js";
import { field } from "./fields.js";
import { count, fromField, money, print, toField, units, words } from "./format.js";
import { pager } from "./pager.js";

export const title = "Products";

const HEADS = ["Item", "Unit price", "In all", "Available", "Reserved", "Sold", "State", "Change"];
const NUMBERS = ["price", "total_stock", "max_per_hold", "max_per_customer", "quantity"];

export function open(app) {
  const rows = table("Products, in the order in which they were made", HEADS);
  const empty = el("p", { class: "quiet", hidden: true }, "No product is here yet.");
  const button = el("button", { type: "button", class: "primary", click: () => create(app) }, "Create product");
  const pages = pager(app.refresh, ["Previous", "Next"]);

  async function refresh(signal) {
    const { products, next_cursor } = await get(`/admin/api/stats?limit=50${pages.query}`, signal);
    empty.hidden = products.length > 0;
    show(rows.body, products, (it) => it.id, () => productRow(app), (node, it) => update.get(node)(it));
    pages.update(next_cursor);
    pages.element.hidden = pages.isOnly(next_cursor);
  }

  return { element: el("div", {}, el("div", { class: "buttons" }, button), rows.element, empty, pages.element), refresh };
}

/** How to draw each row. */
const update = new WeakMap();

function productRow(app) {
  let product = null;
  const name = el("span");
  const sku = el("small", { class: "quiet" });
  const pausing = () => (product.paused ? resume(app, product) : pause(app, product));
  const button = (text, click) => el("button", { type: "button", class: "plain", click }, text);
  const pauses = button("Pause", pausing);
  const buttons = [button("Edit", () => edit(app, product)), pauses, button("Restock", () => restock(app, product))];
  const node = row(HEADS);
  const item = el("span", { class: "item" }, name, sku);
  const changes = el("div", { class: "buttons" }, ...buttons);
  update.set(node, (it) => {
    product = it;
    setText(name, it.name);
    setText(sku, it.sku ?? "");
    setText(pauses, it.paused ? "Resume" : "Pause");
    const stock = [it.total_stock, it.available_stock, it.reserved_stock, it.sold_stock].map(count);
    fill(node, [item, money(it.price), ...stock, words(it.status), changes]);
  });
  return node;
}

/** The fields of a product, with what it has. `total_stock` and `sku` can be given once, when it is made. */
function productFields(product) {
  const text = (value) => (value === null || value === undefined ? "" : String(value));
  const isMade = product !== null;
  const time = { type: "datetime-local", step: "1" };
  return [
    field({ name: "name", label: "Name", value: text(product?.name), required: true }),
    field({ name: "price", label: "Price", value: text(product?.price), inputmode: "decimal", required: true, hint: "With a point, like 19.90." }),
    field({
      name: "total_stock", label: "Total stock", value: text(product?.total_stock), inputmode: "numeric", required: !isMade,
      readonly: isMade, hint: isMade ? "Restock changes it." : null,
    }),
    field({ name: "sku", label: "SKU", value: text(product?.sku), readonly: isMade, hint: isMade ? "It stays as it was made." : "Your own name for it; may be empty." }),
    field({ name: "starts_at", label: "Starts at", value: toField(product?.starts_at), ...time, hint: "In your time zone; empty: at once." }),
    field({ name: "ends_at", label: "Ends at", value: toField(product?.ends_at), ...time, hint: "In your time zone; empty: never." }),
    field({ name: "max_per_hold", label: "Max per hold", value: text(product?.max_per_hold), inputmode: "numeric", hint: "Empty: no limit." }),
    field({ name: "max_per_customer", label: "Max per customer", value: text(product?.max_per_customer), inputmode: "numeric", hint: "Empty: no limit." }),
  ];
}

/** What a field holds, for the server: null where it is empty. */
function meant(field) {
  const value = field.value.trim();
  if (field.name === "starts_at" || field.name === "ends_at") return fromField(value);
  return value === "" ? null : value;
}

function create(app) {
  const fields = productFields(null);
  const once = onceABody();
  app.ask({
    title: "Create product",
    action: "Save",
    fields,
    async confirm() {
      const given = fields.map((it) => [it.name, meant(it)]).filter(([, value]) => value !== null);
      const body = print(Object.fromEntries(given), NUMBERS);
      const product = await command("POST", "/admin/api/products", body, once(body));
      app.done(`${product.name} is created, with ${units(product.total_stock)}.`);
    },
  });
}

/** Sends only what was changed here, so that another operator's change of something else stays. Where both changed the same,
    it says so first, and overwrites on the second Save. */
function edit(app, product) {
  const fields = productFields(product);
  let known = product;
  app.ask({
    title: `Edit ${product.name}`,
    action: "Save",
    fields,
    async confirm() {
      const changed = fields.filter((it) => !it.input.readOnly && it.value !== it.initial);
      if (changed.length === 0) return app.done("Nothing was changed.");
      const current = await get(`/api/products/${product.id}`);
      const others = conflicts(known, current, changed);
      known = current;
      if (others) throw new Refused(409, { error: "Another operator changed this product", errors: others });
      const body = print(Object.fromEntries(changed.map((it) => [it.name, meant(it)])), NUMBERS);
      const saved = await command("PATCH", `/admin/api/products/${product.id}`, body);
      app.done(`${saved.name} is saved.`);
    },
  });
}

function conflicts(known, current, changed) {
  const others = changed.filter((it) => known[it.name] !== current[it.name]);
  if (others.length === 0) return null;
  const shown = (it) => (it.input.type === "datetime-local" ? toField(current[it.name]).replace("T", " ") : current[it.name]);
  const said = (it) => `Another operator has set this to ${shown(it) || "nothing"} meanwhile. Save again to overwrite that.`;
  return Object.fromEntries(others.map((it) => [it.name, [said(it)]]));
}

function pause(app, product) {
  const { id, name, available_stock: available, reserved_stock: reserved, sold_stock: sold } = product;
  app.ask({
    title: `Pause ${name}`,
    action: "Pause",
    isDanger: true,
    says: [
      el("p", {}, `The ${units(available)} that ${available === 1 ? "is" : "are"} available cannot be held until you resume the sale. `
        + `What is held stays held: ${count(reserved)} reserved can still be ordered and paid. ${count(sold)} sold stay sold.`),
    ],
    async confirm() {
      await command("PATCH", `/admin/api/products/${id}`, print({ paused: true }));
      app.done(`${name} is paused.`);
    },
  });
}

async function resume(app, { id, name }) {
  try {
    await command("PATCH", `/admin/api/products/${id}`, print({ paused: false }));
    app.done(`${name} is on sale again.`);
  } catch (error) {
    app.failed(error);
  }
}

function restock(app, product) {
  const { id, name, total_stock: total, available_stock: available } = product;
  const once = onceABody();
  const quantity = field({ name: "quantity", label: "Quantity", inputmode: "numeric", required: true, hint: "How many more; with a minus, how many less." });
  const reason = field({ name: "reason", label: "Reason", hint: "Stands in the ledger; may be empty." });
  const outcome = el("p");
  const say = () => {
    const change = /^-?\d{1,10}$/.test(quantity.value.trim()) ? Number(quantity.value) : 0;
    setText(outcome, change === 0
      ? `${name} has ${units(total)}, of which ${count(available)} ${available === 1 ? "is" : "are"} available.`
      : `In all ${count(total)} become ${count(total + change)}, and of them ${count(available)} available become ${count(available + change)}.`);
  };
  quantity.input.addEventListener("input", say);
  say();
  app.ask({
    title: `Restock ${name}`,
    action: "Restock",
    says: [outcome],
    fields: [quantity, reason],
    async confirm() {
      const given = [quantity, reason].map((it) => [it.name, meant(it)]).filter(([, value]) => value !== null);
      const body = print(Object.fromEntries(given), NUMBERS);
      const after = await command("POST", `/admin/api/products/${id}/restock`, body, once(body));
      app.done(`${name} has ${units(after.total_stock)} now.`);
    },
  });
}

/** A key for each body: the same one sent twice, because an answer was lost, has one effect. */
function onceABody() {
  const keys = new Map();
  return (body) => {
    if (!keys.has(body)) keys.set(body, newKey());
    return keys.get(body);
  };
}
