// A buyer's whole way: look, hold, order, pay. What a shop must not forget stands here once:
//
// - Every write has an Idempotency-Key, made before the first try and kept until there is an answer. A lost answer is asked
//   for again with the same key, even after a reload, and never makes a second hold or order.
// - A 503 and a lost answer are tried again, later each time and each buyer at another moment.
// - Times are counted down by the server's clock, which every answer tells in `Date`.
// - The tokens of the hold and of the order are secrets of this buyer.

const PRODUCT = new URLSearchParams(location.search).get("product") ?? "1";
const LOOK_EVERY_MS = 2_000;
const TRIES = 8;

const at = (id) => document.getElementById(id);
const say = (text) => (at("message").textContent = text);

/** What this buyer has, kept over a reload: `hold`, `order`, and the `wish` that is on its way. */
const bought = JSON.parse(sessionStorage.getItem("bought") ?? "{}");

function keep(change) {
  Object.assign(bought, change);
  sessionStorage.setItem("bought", JSON.stringify(bought));
  draw();
}

// ------------------------------------------------------------------------------------------------------ Asking

/** By how much the server's clock is ahead of this one. */
let ahead = 0;
const now = () => Date.now() + ahead;

const pause = (ms) => new Promise((done) => setTimeout(done, ms));

/** An answer that is the shop's last word, whatever it says. */
async function ask(method, path, { body, key, token } = {}) {
  const headers = { "Content-Type": "application/json" };
  if (key) headers["Idempotency-Key"] = key;
  if (token) headers.Authorization = `Bearer ${token}`;
  for (let attempt = 1; ; attempt += 1) {
    let wait = 250 * 2 ** attempt;
    try {
      const response = await fetch(path, { method, headers, body: body && JSON.stringify(body) });
      ahead = new Date(response.headers.get("Date")) - Date.now();
      if (response.status !== 503) return { ok: response.ok, ...(await response.json()) };
      wait = Math.max(wait, 1_000 * Number(response.headers.get("Retry-After") ?? 0));
    } catch {
      // No answer: nobody knows whether it happened, and the key makes it safe to ask again.
    }
    if (attempt === TRIES) return { ok: false, error: "The shop does not answer. Please try again" };
    say("The shop is busy; your place is kept …");
    await pause(wait * (0.5 + Math.random()));
  }
}

/** 128 bits: where tokens are required, a key is a secret too. */
function newKey() {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** A write under a key that lasts until it is answered. */
async function write(path, body, token) {
  const wish = JSON.stringify({ path, body });
  if (bought.wish !== wish) keep({ wish, key: newKey() });
  const answer = await ask("POST", path, { body, key: bought.key, token });
  keep({ wish: null, key: null });
  say(answer.ok ? "" : `${answer.error}.`);
  return answer;
}

// ---------------------------------------------------------------------------------------------------- The sale

let product = null;

async function look() {
  const answer = await ask("GET", `/api/products/${PRODUCT}`);
  if (answer.ok) product = answer;
  else say(`${answer.error}.`);
  draw();
  await pause(LOOK_EVERY_MS * (0.75 + Math.random() / 2));
  if (document.hidden) await new Promise((seen) => document.addEventListener("visibilitychange", seen, { once: true }));
  look();
}

at("buy").addEventListener("submit", async (event) => {
  event.preventDefault();
  const quantity = Number(at("quantity").value);
  const hold = await write("/api/holds", { product_id: Number(PRODUCT), quantity });
  if (hold.ok) keep({ hold, order: null });
});

at("order").addEventListener("click", async () => {
  const { hold } = bought;
  const order = await write("/api/orders", { hold_id: hold.hold_id }, hold.token);
  if (order.ok) keep({ hold: null, order });
  else if (["hold_expired", "hold_released"].includes(order.code)) keep({ hold: null });
});

at("pay").addEventListener("click", async () => {
  const { order } = bought;
  say("Paying …");
  const paid = await ask("POST", "/pay", { body: { order_id: order.order_id, token: order.token } });
  if (!paid.ok) return say(`${paid.error}.`);
  await follow();
});

/** The provider reports to the sale, not to this page: the order tells. */
async function follow() {
  const { order } = bought;
  const current = await ask("GET", `/api/orders/${order.order_id}`, { token: order.token });
  if (current.ok) keep({ order: { ...order, status: current.status } });
  if (current.ok && current.status === "pending") {
    await pause(500);
    return follow();
  }
  say("");
}

// ----------------------------------------------------------------------------------------------------- Showing

function left(time) {
  const seconds = Math.max(0, Math.ceil((new Date(time) - now()) / 1_000));
  const two = (number) => String(number).padStart(2, "0");
  const hours = Math.floor(seconds / 3600);
  return `${hours > 0 ? `${hours}:` : ""}${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
}

function sale({ status, starts_at: starts, ends_at: ends }) {
  if (status === "upcoming") return `Starts in ${left(starts)}`;
  if (status === "live") return ends ? `Ends in ${left(ends)}` : "";
  return { paused: "Paused for a moment", ended: "The sale has ended", all_reserved: "All are reserved; look again soon", sold_out: "Sold out" }[status];
}

function draw() {
  const { hold, order } = bought;
  if (product) {
    at("name").textContent = product.name;
    at("price").textContent = product.price.toFixed(2);
    at("stock").textContent = `${product.available_stock} of ${product.total_stock} available`;
    at("window").textContent = sale(product);
  }
  at("buy").hidden = Boolean(hold) || order?.status === "pending";
  at("buy").querySelector("button").disabled = product?.status !== "live";
  at("held").hidden = !hold;
  at("ordered").hidden = !order;
  at("pay").hidden = order?.status !== "pending";
  if (hold && new Date(hold.expires_at) <= now()) {
    say("Your reservation has ended. Please buy again.");
    return keep({ hold: null });
  }
  if (hold) at("hold").textContent = `Hold ${hold.hold_id}: ${hold.quantity} reserved for you for ${left(hold.expires_at)}.`;
  if (order) at("about-order").textContent = `Order ${order.order_id}: ${order.status}, ${order.total_price.toFixed(2)}.`;
}

setInterval(draw, 500);
draw();
look();
if (bought.order?.status === "pending") follow();
