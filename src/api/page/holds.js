// Holds: who keeps what, and until when.

import * as catalogue from "./catalogue.js";
import { count, money, span, words } from "./format.js";
import { openList } from "./list.js";

export const title = "Holds";

export function open(app) {
  return openList(app, {
    caption: "Holds, newest first",
    path: "/admin/api/holds",
    choice: { label: "Status", name: "status", words: ["active", "ordered", "released", "expired"] },
    heads: ["Hold", "Item", "Units", "Unit price", "Buyer", "State", "Expires", "Order"],
    key: (hold) => hold.hold_id,
    cells: (hold) => [
      String(hold.hold_id),
      catalogue.name(hold.product_id),
      count(hold.quantity),
      money(hold.unit_price),
      hold.customer ?? "–",
      hold.status === "active" ? `active, ${span(hold.expires_in_s)} left` : words(hold.status),
      { utc: hold.expires_at },
      hold.order_id === null ? "–" : String(hold.order_id),
    ],
  });
}
