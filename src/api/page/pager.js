// The pages of a list: Newer goes back to the page before, Older on to the next.

import { el } from "./dom.js";

export function pager(refresh, [before, after] = ["Newer", "Older"]) {
  /** The cursors of the pages from the first to the one that is shown. */
  let cursors = [null];
  let next = null;
  const turn = (change) => () => {
    change();
    update(null);
    refresh();
  };
  const newer = el("button", { type: "button", class: "plain", click: turn(() => cursors.pop()) }, before);
  const older = el("button", { type: "button", class: "plain", click: turn(() => cursors.push(next)) }, after);

  function update(cursor) {
    next = cursor;
    newer.disabled = cursors.length === 1;
    older.disabled = !next;
  }

  update(null);
  return {
    element: el("div", { class: "pager" }, newer, older),
    update,
    get cursor() {
      return cursors.at(-1);
    },
    get query() {
      const cursor = cursors.at(-1);
      return cursor ? `&cursor=${encodeURIComponent(cursor)}` : "";
    },
    reset() {
      cursors = [null];
      update(null);
    },
    isOnly: (cursor) => cursors.length === 1 && !cursor,
  };
}
