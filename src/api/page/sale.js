// What is on sale, as it sells.

import { get, now } from "./api.js";
import { minute, stockBar } from "./chart.js";
import { el, setAttribute, setText, show } from "./dom.js";
import { count, few, span, units, words } from "./format.js";
import { pager } from "./pager.js";

export const title = "Sale";

const SECONDS = 60;

/** Of each product, what was reserved or sold in all, by the second; kept while other views are open. */
const history = new Map();

export function open(app) {
  const books = el("p", { class: "books" });
  const cards = el("ul", { class: "cards" });
  const empty = el("p", { class: "quiet", hidden: true }, "No product is on sale yet. Create one under Products.");
  const pages = pager(app.refresh, ["Previous", "Next"]);
  const element = el("div", {}, books, empty, cards, pages.element);

  async function refresh(signal) {
    const stats = await get(`/admin/api/stats?limit=50${pages.query}`, signal);
    const products = stats.products;
    products.forEach(remember);
    say(books, stats);
    empty.hidden = products.length > 0;
    show(cards, products, (product) => product.id, card, (node, product) => draw.get(node)(product));
    pages.update(stats.next_cursor);
    pages.element.hidden = pages.isOnly(stats.next_cursor);
  }

  return { element, refresh };
}

/** The books in words: the same words for all that is right, others for what is wrong. The server counts every product; those
    that are shown are counted once more here. */
function say(element, { products, books }) {
  const sum = (it) => it.available_stock + it.reserved_stock + it.sold_stock;
  const wrong = products.filter((it) => it.total_stock !== sum(it));
  const isWrong = wrong.length > 0 || books.wrong > 0;
  setAttribute(element, "class", isWrong ? "books wrong" : "books");
  if (isWrong) {
    const sums = wrong.map((it) => `${it.name} has ${count(it.total_stock)} in all, but ${count(it.available_stock)} available, `
      + `${count(it.reserved_stock)} reserved and ${count(it.sold_stock)} sold make ${count(sum(it))}`);
    const elsewhere = books.wrong - wrong.length;
    if (elsewhere > 0) sums.push(`${count(elsewhere)} more ${elsewhere === 1 ? "product does" : "products do"} not add up`);
    setText(element, `The books are wrong: ${sums.join("; ")}. Pause the sale, and run flashsale verify.`);
  } else {
    setText(element, books.products > 0 ? "The books are right: total = available + reserved + sold for every product." : "");
  }
}

function remember(product) {
  const samples = history.get(product.id) ?? [];
  const at = Math.floor(new Date(product.server_time) / 1_000);
  const sold = product.sold_stock;
  const sample = { at, held: product.reserved_stock + sold, sold };
  if (samples.at(-1)?.at === at) samples.pop();
  samples.push(sample);
  while (samples[0].at < at - SECONDS) samples.shift();
  history.set(product.id, samples);
}

/** By how much a figure rose in each second; a gap between two samples is spread over its seconds. */
function rises(samples, figure) {
  const rises = [];
  for (let index = 1; index < samples.length; index += 1) {
    const seconds = samples[index].at - samples[index - 1].at;
    const rise = Math.max(0, samples[index][figure] - samples[index - 1][figure]);
    for (let second = 0; second < seconds; second += 1) rises.push(rise / seconds);
  }
  return rises;
}

/** How to draw each card. */
const draw = new WeakMap();

function card() {
  const name = el("h2");
  const status = el("p", { class: "chip" });
  const bar = stockBar();
  const figures = ["available", "reserved", "sold"].map((kind) => figure(kind));
  const total = el("p", { class: "total" });
  const clock = el("p");
  const rate = el("p");
  const forecast = el("p");
  const chart = minute(["held", "sold"], SECONDS);
  const element = el(
    "li",
    { class: "card product" },
    el("div", { class: "head" }, name, status),
    bar.element,
    el("div", { class: "figures" }, ...figures.map((it) => it.element), total),
    el("div", { class: "pace" }, el("div", {}, clock, rate, forecast), chart.element),
  );
  draw.set(element, (product) => {
    const samples = history.get(product.id);
    setText(name, product.name);
    setText(status, words(product.status));
    setAttribute(status, "class", `chip ${product.status}`);
    bar.draw(product);
    figures.forEach((it) => it.draw(product));
    setText(total, `of ${count(product.total_stock)}`);
    setText(clock, countdown(product));
    setText(rate, pace(product.lately));
    setText(forecast, sellOut(product));
    chart.draw([rises(samples, "held"), rises(samples, "sold")]);
  });
  return element;
}

function figure(kind) {
  const number = el("b");
  const element = el("p", { class: `figure ${kind}` }, number, el("span", {}, kind));
  return { element, draw: (product) => setText(number, count(product[`${kind}_stock`])) };
}

function countdown({ starts_at: starts, ends_at: ends }) {
  const left = (time) => (new Date(time) - now()) / 1_000;
  if (starts && left(starts) > 0) return `Starts in ${span(left(starts))}`;
  if (ends && left(ends) > 0) return `Ends in ${span(left(ends))}`;
  if (ends) return `Ended ${span(-left(ends))} ago`;
  return "Open end";
}

function pace({ over_s: seconds, units_held: held, units_sold: sold }) {
  return `${few(held / seconds)} held and ${few(sold / seconds)} paid for a second`;
}

function sellOut({ status, available_stock: available, lately }) {
  if (status === "sold_out") return "Sold out";
  if (status === "all_reserved") return "Nothing is left unless a hold ends";
  if (status !== "live") return "";
  if (lately.units_held === 0) return `${units(available)} left, and none was held in the last minute`;
  return `Sells out in ${span((available * lately.over_s) / lately.units_held)} at this rate`;
}
