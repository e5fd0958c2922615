// Asks again and again: each second while the page is seen, not at all while it is hidden, and less and less often while
// there is no answer.

import { SignedOut } from "./api.js";

const EVERY_MS = 1_000;
const AFTER_ERRORS_MAX_MS = 30_000;

/** `ask` is given a signal; `onFresh`, `onStale` and `onSignedOut` are told what came of it. */
export class Poller {
  #ask = null;
  #asking = null;
  #timer = null;
  #failures = 0;

  constructor({ onFresh, onStale, onSignedOut }) {
    Object.assign(this, { onFresh, onStale, onSignedOut });
    document.addEventListener("visibilitychange", () => (document.hidden ? this.#rest() : this.now()));
  }

  begin(ask) {
    this.#ask = ask;
    this.#failures = 0;
    this.now();
  }

  end() {
    this.#ask = null;
    this.#rest();
  }

  /** Asks at once, and drops what was asked before. */
  now() {
    this.#rest();
    if (this.#ask && !document.hidden) this.#round(this.#ask);
  }

  #rest() {
    clearTimeout(this.#timer);
    this.#asking?.abort();
    this.#asking = null;
  }

  async #round(ask) {
    const asking = new AbortController();
    this.#asking = asking;
    const began = performance.now();
    try {
      await ask(asking.signal);
      if (asking.signal.aborted) return;
      this.#failures = 0;
      this.onFresh();
    } catch (error) {
      if (asking.signal.aborted) return;
      if (error instanceof SignedOut) return this.onSignedOut();
      this.#failures += 1;
      this.onStale(error);
    }
    this.#timer = setTimeout(() => this.now(), this.#pause(performance.now() - began));
  }

  /** After errors twice as long each time, and not all pages at the same moment. */
  #pause(took) {
    if (this.#failures === 0) return Math.max(0, EVERY_MS - took);
    const longest = Math.min(AFTER_ERRORS_MAX_MS, EVERY_MS * 2 ** (this.#failures - 1));
    return longest * (0.5 + Math.random() / 2);
  }
}
