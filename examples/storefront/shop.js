// A shop's server and a payment provider, both as small as can be: it serves the two files beside it, hands /api on to
// flashsale, and "pays" by a webhook that it signs (Standard Webhooks). For trying things out; it takes no money.
//
//     FLASHSALE=http://127.0.0.1:8000 WEBHOOK_SECRET=whsec_… PORT=8080 node examples/storefront/shop.js

import { createHmac, randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer, request } from "node:http";

const FLASHSALE = new URL(process.env.FLASHSALE ?? "http://127.0.0.1:8000");
const SECRET = process.env.WEBHOOK_SECRET;

const file = (name) => readFileSync(new URL(name, import.meta.url));
const FILES = {
  "/": ["text/html; charset=utf-8", file("index.html")],
  "/storefront.js": ["text/javascript; charset=utf-8", file("storefront.js")],
};

createServer(async (asked, answer) => {
  const path = asked.url.split("?")[0];
  try {
    if (path.startsWith("/api/")) handOn(asked, answer);
    else if (path === "/pay" && asked.method === "POST") await pay(asked, answer);
    else if (FILES[path]) answer.writeHead(200, { "Content-Type": FILES[path][0], "Cache-Control": "no-cache" }).end(FILES[path][1]);
    else tell(answer, 404, { error: "There is nothing here", code: "not_found" });
  } catch (error) {
    tell(answer, 503, { error: error.message, code: "unavailable" });
  }
}).listen(Number(process.env.PORT ?? 8080), "127.0.0.1", function () {
  console.log(`the shop is open at http://127.0.0.1:${this.address().port}/`);
});

/** As it came, its Host too: flashsale compares it with the page's Origin. */
function handOn(asked, answer) {
  const there = request(new URL(asked.url, FLASHSALE), { method: asked.method, headers: asked.headers }, (answered) => {
    answer.writeHead(answered.statusCode, answered.headers);
    answered.pipe(answer);
  });
  there.on("error", (error) => tell(answer, 503, { error: error.message, code: "unavailable" }));
  asked.pipe(there);
}

/** The provider takes what the order costs, never what a browser says, and reports it until the sale has heard of it. */
async function pay(asked, answer) {
  const { order_id: id, token } = JSON.parse(await text(asked));
  const order = await fetch(new URL(`/api/orders/${id}`, FLASHSALE), { headers: { Authorization: `Bearer ${token}` } });
  const body = await order.text();
  if (!order.ok) return answer.writeHead(order.status, { "Content-Type": "application/json" }).end(body);
  tell(answer, 202, { accepted: true });
  // The amount as it is printed: money is no float.
  const amount = /"total_price":([0-9.]+)/.exec(body)[1];
  const transaction = `txn_${randomUUID()}`;
  const event = `{"idempotency_key":"${transaction}","order_id":${Number(id)},"status":"success",`
    + `"payload":{"transaction_id":"${transaction}","amount":"${amount}"}}`;
  report(event, transaction);
}

async function report(event, id, attempt = 1) {
  try {
    const response = await fetch(new URL("/api/payments/webhook", FLASHSALE), { method: "POST", headers: signed(event, id), body: event });
    if (response.ok) return;
    console.error(`the report of ${id} was answered ${response.status}: ${await response.text()}`);
  } catch (error) {
    console.error(`the report of ${id} has no answer: ${error.message}`);
  }
  if (attempt < 10) setTimeout(() => report(event, id, attempt + 1), 500 * 2 ** attempt);
}

function signed(event, id) {
  const headers = { "Content-Type": "application/json" };
  if (!SECRET) return headers;
  const timestamp = Math.floor(Date.now() / 1_000);
  const key = Buffer.from(SECRET.replace("whsec_", ""), "base64");
  const signature = createHmac("sha256", key).update(`${id}.${timestamp}.${event}`).digest("base64");
  return { ...headers, "webhook-id": id, "webhook-timestamp": String(timestamp), "webhook-signature": `v1,${signature}` };
}

async function text(asked) {
  let text = "";
  for await (const part of asked.setEncoding("utf8")) text += part;
  return text;
}

function tell(answer, status, body) {
  answer.writeHead(status, { "Content-Type": "application/json" }).end(JSON.stringify(body));
}
