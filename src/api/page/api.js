// The operator's API, and the token that opens it. The token lives in this tab's session storage and in a header: never in an
// address, never in a cookie.

import { parse } from "./format.js";

const KEPT_AS = "flashsale.operator";

export const session = {
  get token() {
    return sessionStorage.getItem(KEPT_AS);
  },
  begin(token) {
    sessionStorage.setItem(KEPT_AS, token);
  },
  end() {
    sessionStorage.removeItem(KEPT_AS);
    answers.clear();
  },
};

/** The token is missing or wrong. */
export class SignedOut extends Error {}

/** No answer, or one that says that the server cannot answer now. */
export class Unavailable extends Error {}

/** The server's no. `errors` has its sentences by field. */
export class Refused extends Error {
  constructor(status, body) {
    super(body.error);
    this.status = status;
    this.code = body.code;
    this.errors = body.errors ?? {};
  }
}

/** What was answered to a path, with its entity tag: a 304 gives the same object again. */
const answers = new Map();
const ANSWERS_MAX = 32;
const TIMEOUT_MS = 10_000;

/** The difference between the server's clock and this one's. */
let ahead = 0;

export function now() {
  return new Date(Date.now() + ahead);
}

export async function get(path, signal) {
  const before = answers.get(path);
  const response = await send(path, before ? { headers: { "If-None-Match": before.tag } } : {}, signal);
  if (response.status === 304) return before.body;
  const body = await read(response);
  const tag = response.headers.get("ETag");
  answers.delete(path);
  if (tag) answers.set(path, { tag, body });
  if (answers.size > ANSWERS_MAX) answers.delete(answers.keys().next().value);
  return body;
}

/** Sends printed JSON. The same `key` has one effect, however often it is sent. */
export async function command(method, path, body, key) {
  const headers = { "Content-Type": "application/json" };
  if (key) headers["Idempotency-Key"] = key;
  return read(await send(path, { method, body, headers }));
}

/** A key that nobody guesses. `crypto.randomUUID` is not there without TLS. */
export function newKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

async function send(path, options, signal) {
  const timeout = AbortSignal.timeout(TIMEOUT_MS);
  const headers = { ...options.headers, Authorization: `Bearer ${session.token}` };
  try {
    return await fetch(path, {
      ...options,
      headers,
      cache: "no-store",
      credentials: "omit",
      redirect: "error",
      signal: signal ? AbortSignal.any([signal, timeout]) : timeout,
    });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new Unavailable("the server does not answer");
  }
}

async function read(response) {
  let body;
  try {
    body = parse(await response.text());
  } catch {
    throw new Unavailable("the server’s answer broke off");
  }
  if (response.status === 401) throw new SignedOut(body.error);
  if (response.status >= 500) throw new Unavailable(`the server says: ${body.error}`);
  if (!response.ok) throw new Refused(response.status, body);
  if (body.server_time) ahead = new Date(body.server_time) - Date.now();
  return body;
}
