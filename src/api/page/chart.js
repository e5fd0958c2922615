// Pictures of figures, by hand. The figures stand beside them in words.

import { setAttribute, svg } from "./dom.js";

/** A bar of a product's units; its parts are found by class. */
export function stockBar() {
  const parts = ["sold", "reserved", "available"].map((name) => svg("rect", { class: name, y: 0, height: 10 }));
  const picture = svg("svg", { role: "img", class: "stock", viewBox: "0 0 100 10", preserveAspectRatio: "none" }, ...parts);
  return {
    element: picture,
    draw(product) {
      const { name, available_stock: available, reserved_stock: reserved, sold_stock: sold, total_stock: total } = product;
      const label = `${name}: ${available} available, ${reserved} reserved, ${sold} sold of ${total}`;
      setAttribute(picture, "aria-label", label);
      const whole = Math.max(1, available + reserved + sold);
      let x = 0;
      [sold, reserved, available].forEach((units, index) => {
        const width = (100 * Math.max(0, units)) / whole;
        setAttribute(parts[index], "x", x.toFixed(3));
        setAttribute(parts[index], "width", width.toFixed(3));
        x += width;
      });
    },
  };
}

const WIDTH = 120;
const HEIGHT = 32;

/** Lines over the last minute, one a series, each a list of figures of which the last is the newest. */
export function minute(series, points) {
  const lines = series.map((name) => svg("polyline", { class: name, fill: "none", "vector-effect": "non-scaling-stroke" }));
  const base = svg("line", { class: "base", x1: 0, x2: WIDTH, y1: HEIGHT - 1, y2: HEIGHT - 1, "vector-effect": "non-scaling-stroke" });
  const picture = svg("svg", { class: "minute", "aria-hidden": "true", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, preserveAspectRatio: "none" }, base, ...lines);
  return {
    element: picture,
    draw(lists) {
      const highest = Math.max(1, ...lists.flat());
      lists.forEach((figures, index) => {
        const first = points - figures.length;
        const at = (figure, place) => {
          const x = ((first + place) * WIDTH) / (points - 1);
          const y = HEIGHT - 2 - ((HEIGHT - 4) * figure) / highest;
          return `${x.toFixed(1)},${y.toFixed(1)}`;
        };
        setAttribute(lines[index], "points", figures.map(at).join(" "));
      });
    },
  };
}
