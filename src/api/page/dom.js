// Elements. Every text becomes a text node: what customers wrote is never markup.

import { moment } from "./format.js";

export function el(name, attributes = {}, ...children) {
  return filled(document.createElement(name), attributes, children);
}

export function svg(name, attributes = {}, ...children) {
  return filled(document.createElementNS("http://www.w3.org/2000/svg", name), attributes, children);
}

function filled(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") node.addEventListener(name, value);
    else setAttribute(node, name, value);
  }
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

/** Only what has changed is touched, so that a selection and a screen reader's place last. */
export function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

export function setAttribute(node, name, value) {
  if (value === null || value === undefined || value === false) node.removeAttribute(name);
  else if (node.getAttribute(name) !== String(value)) node.setAttribute(name, value === true ? "" : value);
}

const known = new WeakMap();

/** Makes the children of `parent` those of `items`, in order. A node lives as long as its key is there, and is told of its
    item by `update`; it keeps its focus, because it is not moved where it stands right already. */
export function show(parent, items, key, create, update) {
  const before = known.get(parent) ?? new Map();
  const after = new Map(items.map((item) => [key(item), before.get(key(item)) ?? create(item)]));
  for (const [name, node] of before) if (after.get(name) !== node) node.remove();
  known.set(parent, after);
  let next = parent.firstChild;
  for (const item of items) {
    const node = after.get(key(item));
    if (node === next) next = node.nextSibling;
    else parent.insertBefore(node, next);
    update(node, item);
  }
}

/** A time in the viewer's zone, with UTC as its title. */
export function time(utc) {
  const node = el("time");
  setTime(node, utc);
  return node;
}

export function setTime(node, utc) {
  setText(node, utc ? moment(new Date(utc)) : "–");
  setAttribute(node, "datetime", utc);
  setAttribute(node, "title", utc ? `UTC ${utc}` : null);
}

/** A table whose rows become cards on a narrow screen; its roles are named, because a changed `display` would hide them. */
export function table(caption, heads) {
  const head = (name) => el("th", { scope: "col", role: "columnheader" }, name);
  const body = el("tbody", { role: "rowgroup" });
  const element = el(
    "table",
    { role: "table" },
    el("caption", { class: "unseen" }, caption),
    el("thead", { role: "rowgroup" }, el("tr", { role: "row" }, ...heads.map(head))),
    body,
  );
  return { element, body, heads };
}

/** A row with a cell for each head of its table; the first one names the row. */
export function row(heads, attributes = {}) {
  const cell = (head, index) => index === 0
    ? el("th", { scope: "row", role: "rowheader", "data-head": head })
    : el("td", { role: "cell", "data-head": head });
  return el("tr", { role: "row", ...attributes }, ...heads.map(cell));
}

/** Fills the cells of a row: texts as they are, nodes only when they are others than before. */
export function fill(tr, contents) {
  contents.forEach((content, index) => {
    const cell = tr.children[index];
    if (content instanceof Node) {
      if (cell.firstChild !== content) cell.replaceChildren(content);
    } else if (content && content.utc !== undefined) {
      if (!(cell.firstChild instanceof HTMLTimeElement)) cell.replaceChildren(el("time"));
      setTime(cell.firstChild, content.utc);
    } else {
      setText(cell, content);
    }
  });
}
