// The page itself: signing in and out, its views, and what it says of how fresh they are.

import { SignedOut, get, session } from "./api.js";
import * as dialog from "./dialog.js";
import { el, setAttribute, setText } from "./dom.js";
import { clock } from "./format.js";
import * as health from "./health.js";
import * as holds from "./holds.js";
import * as orders from "./orders.js";
import * as payments from "./payments.js";
import { Poller } from "./poller.js";
import * as products from "./products.js";
import * as refunds from "./refunds.js";
import * as sale from "./sale.js";

const VIEWS = [sale, holds, orders, payments, refunds, products, health];

const at = (id) => document.getElementById(id);
const token = at("token");
const links = VIEWS.map((view) => el("a", { href: address(view) }, view.title));
at("links").append(...links.map((link) => el("li", {}, link)));

/** When the last answer came. */
let fresh = null;

const poller = new Poller({
  onFresh() {
    fresh = new Date();
    setText(at("fresh"), `Up to date at ${clock(fresh)}`);
    setText(at("stale"), "");
  },
  onStale(error) {
    setText(at("fresh"), "");
    setText(at("stale"), `stale since ${clock(fresh ?? new Date())}: ${reason(error)}. Trying again.`);
  },
  onSignedOut: () => leave("You are signed out, because the server does not take this token any more."),
});

/** What views may ask of the page. */
const app = {
  refresh: () => poller.now(),
  ask: (question) => dialog.ask({ ...question, onSignedOut: poller.onSignedOut }),
  /** Something was done: it is said, and shown at once. */
  done(sentence) {
    setText(at("said"), sentence);
    poller.now();
  },
  failed(error) {
    if (error instanceof SignedOut) poller.onSignedOut();
    else setText(at("said"), `That did not work: ${reason(error)}.`);
  },
};

/** A mistake of the page's own is for its developers, too. */
function reason(error) {
  if (error.constructor === Error || error instanceof TypeError) console.error(error);
  return error.message;
}

function address(view) {
  return `#/${view.title.toLowerCase()}`;
}

function open(isFirst = false) {
  const view = VIEWS.find((view) => address(view) === location.hash) ?? sale;
  const opened = view.open(app);
  const heading = el("h1", { tabindex: -1 }, view.title);
  setText(at("said"), "");
  document.title = `${view.title} · flashsale`;
  links.forEach((link, index) => setAttribute(link, "aria-current", VIEWS[index] === view ? "page" : null));
  at("view").replaceChildren(heading, opened.element);
  if (!isFirst) {
    scrollTo(0, 0);
    heading.focus();
  }
  poller.begin(opened.refresh);
}

function enter(isFirst) {
  at("entrance").hidden = true;
  at("page").hidden = false;
  open(isFirst);
}

/** Back to the form, and why. */
function leave(why = "") {
  poller.end();
  dialog.closeAll();
  session.end();
  at("view").replaceChildren();
  for (const id of ["fresh", "stale", "said"]) setText(at(id), "");
  document.title = "Sign in · flashsale";
  at("page").hidden = true;
  at("entrance").hidden = false;
  setText(at("sign-in-alert"), why);
  token.focus();
}

async function signIn(event) {
  event.preventDefault();
  const refuse = (why) => {
    session.end();
    setText(at("sign-in-alert"), why);
    setAttribute(token, "aria-invalid", "true");
    setAttribute(token, "aria-describedby", "sign-in-alert");
    token.select();
  };
  setText(at("sign-in-alert"), "");
  if (!/^[\x21-\x7e]+$/.test(token.value)) return refuse("That is no token: it is 16 to 255 visible characters of ASCII.");
  session.begin(token.value);
  try {
    await get("/admin/api/stats?limit=1");
  } catch (error) {
    return refuse(error instanceof SignedOut ? "That token is wrong." : `You cannot be signed in: ${reason(error)}.`);
  }
  token.value = "";
  setAttribute(token, "aria-invalid", null);
  setAttribute(token, "aria-describedby", null);
  enter(false);
}

at("sign-in").addEventListener("submit", signIn);
at("sign-out").addEventListener("click", () => leave());
addEventListener("hashchange", () => session.token && open());

if (session.token) enter(true);
else leave();
