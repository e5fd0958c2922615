// A list of the operator's API, newest first: filters, rows, pages.

import { Refused, get } from "./api.js";
import * as catalogue from "./catalogue.js";
import { el, fill, row, show, table } from "./dom.js";
import { field, select } from "./fields.js";
import { words } from "./format.js";
import { pager } from "./pager.js";

const TYPING_MS = 300;

/** `choice` is the filter by status or verdict; `cells` are those of one row of the answer. A list whose rows open says what
    it shows of the answer by `items`, each with its node. */
export function openList(app, { caption, path, choice, heads, key, cells, items = (data) => data, create, update }) {
  const product = select({ label: "Product", options: [["", "All"]] });
  const status = select({ label: choice.label, options: [["", "All"], ...choice.words.map((word) => [word, words(word)])] });
  const customer = field({ name: "customer", label: "Customer", type: "search", spellcheck: "false", autocapitalize: "none" });
  const fields = [product, status, customer];
  const rows = table(caption, heads);
  const empty = el("p", { class: "quiet", hidden: true }, "Nothing is here.");
  const pages = pager(app.refresh);
  let isNamed = false;
  let refused = null;
  let typing = null;
  let shown = [];

  function filter() {
    clearTimeout(typing);
    pages.reset();
    app.refresh();
  }
  const filters = el("form", { class: "filters", role: "search", submit: (event) => event.preventDefault() });
  filters.append(...fields.map((one) => one.element));
  product.input.addEventListener("change", filter);
  status.input.addEventListener("change", filter);
  customer.input.addEventListener("change", filter);
  customer.input.addEventListener("input", () => {
    clearTimeout(typing);
    typing = setTimeout(filter, TYPING_MS);
  });

  function query() {
    const asked = new URLSearchParams({ limit: 50 });
    if (product.input.value) asked.set("product_id", product.input.value);
    if (status.input.value) asked.set(choice.name, status.input.value);
    if (customer.value) asked.set("customer", customer.value);
    return `${path}?${asked}${pages.query}`;
  }

  async function name(signal) {
    await catalogue.load(signal);
    product.offer([["", "All"], ...catalogue.options()]);
    isNamed = true;
  }

  async function refresh(signal) {
    if (!isNamed) await name(signal);
    const asked = query();
    if (asked === refused) return;
    try {
      const { data, next_cursor } = await get(asked, signal);
      if (data.some((it) => it.product_id && !catalogue.has(it.product_id))) await name(signal);
      customer.refuse();
      refused = null;
      draw(data);
      pages.update(next_cursor);
    } catch (error) {
      if (!(error instanceof Refused) || !error.errors.customer) throw error;
      refused = asked;
      customer.refuse(error.errors.customer.join(" "));
      draw([]);
      pages.update(null);
    }
  }

  function draw(data) {
    shown = data;
    empty.hidden = data.length > 0 || refused !== null;
    show(rows.body, items(data), key, create ?? (() => row(heads)), update ?? ((node, item) => fill(node, cells(item))));
  }

  return { element: el("div", {}, filters, rows.element, empty, pages.element), refresh, redraw: () => draw(shown) };
}
