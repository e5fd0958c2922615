// Takes the README's pictures during a sale that sells out: `node tests/browser/screenshots.js`, about a minute.

import { statSync } from "node:fs";
import { launch, open } from "./browser.js";
import { Server, TOKEN } from "./server.js";

const IMAGES = new URL("../../docs/images/", import.meta.url).pathname;
const BYTES_MAX = 200 * 1024;
const BUYERS = 4;

const server = await Server.start();
const soon = new Date(Date.now() + 47 * 60_000).toISOString();
const products = [
  await server.create("Limited Edition Flash Sale Item", 100, { sku: "LIMITED-1", max_per_customer: 2 }),
  await server.create("Organic Cotton Tee", 500, { price: 19.9 }),
  await server.create("Signed Tour Poster", 25, { price: 45 }),
  await server.create("Enamel Mug", 1_000, { price: 12.5, ends_at: soon }),
  await server.create("Vinyl, first pressing", 300, { price: 34, starts_at: soon }),
  await server.create("Ticket for the last night", 250, { price: 120 }),
];
await server.operate("PATCH", `/products/${products[5].id}`, { paused: true });

/** One buyer after the other; some don't order, some don't pay. */
async function crowd(number) {
  for (let buyer = number; !isOver; buyer += BUYERS) {
    const product = products[[0, 1, 1, 3, 3, 3, 2][buyer % 7]];
    const quantity = 1 + (buyer % 3 === 0 && product !== products[2] ? 1 : 0);
    const pause = 150 + 400 * Math.random() * (1 + Math.sin(Date.now() / 4_000));
    try {
      const order = buyer % 6 === 0 ? await server.hold(product, quantity, `customer-${buyer}`) : await server.order(product, quantity, `customer-${buyer}`);
      if (order.order_id && buyer % 5 > 0) await server.pay(order, `txn_${buyer}`);
    } catch (refusal) {
      if (!refusal.code) throw refusal;
    }
    await new Promise((done) => setTimeout(done, pause));
  }
}

let isOver = false;
const browser = await launch();
const pages = await Promise.all(["light", "dark"].map(async (colorScheme) => {
  const { page } = await open(browser, server.origin, { colorScheme, viewport: { width: 1200, height: 712 }, timezoneId: "Europe/Berlin" });
  await page.goto("/admin");
  await page.getByLabel("Operator token").fill(TOKEN);
  await page.getByRole("button", { name: "Sign in" }).click();
  return [colorScheme, page];
}));
const crowds = Array.from({ length: BUYERS }, (_, number) => crowd(number));
for (const [, page] of pages) await page.getByText("all reserved").nth(1).waitFor({ timeout: 120_000 });
for (const [colorScheme, page] of pages) {
  const path = `${IMAGES}sale-${colorScheme}.png`;
  await page.screenshot({ path });
  const { size } = statSync(path);
  if (size > BYTES_MAX) throw new Error(`${path} has ${size} bytes; ${BYTES_MAX} may be`);
  console.log(`${path}: ${size} bytes`);
}
isOver = true;
await Promise.all(crowds);
await browser.close();
await server.close();
