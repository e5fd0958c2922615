// A question in a dialog: what will happen, its fields, and a button named like the one that opened it, beside Cancel. Only
// one is open at a time. The browser keeps the focus inside, and gives it back.

import { Refused, SignedOut, Unavailable } from "./api.js";
import { el, setText } from "./dom.js";
import { refuse } from "./fields.js";

/** `confirm` does it; what it throws is said in the dialog, which then stays open. */
export function ask({ title, action, isDanger = false, says = [], fields = [], confirm, onSignedOut }) {
  const heading = el("h2", { id: "dialog-title" }, title);
  const alert = el("p", { class: "refusal", role: "alert" });
  const button = el("button", { type: "submit", class: isDanger ? "danger" : "primary" }, action);
  const cancel = el("button", { type: "button", class: "plain", click: () => dialog.close() }, "Cancel");
  const submit = async (event) => {
    event.preventDefault();
    if (button.hasAttribute("aria-disabled")) return;
    button.setAttribute("aria-disabled", "true");
    setText(alert, "");
    try {
      await confirm();
      dialog.close();
    } catch (error) {
      if (error instanceof SignedOut) return onSignedOut();
      setText(alert, sentence(error, fields));
    } finally {
      button.removeAttribute("aria-disabled");
    }
  };
  const form = el(
    "form",
    { novalidate: true, submit },
    heading,
    ...says,
    el("div", { class: "fields" }, ...fields.map((field) => field.element)),
    alert,
    el("div", { class: "buttons" }, button, cancel),
  );
  const dialog = el("dialog", { "aria-labelledby": heading.id, close: () => dialog.remove() }, form);
  document.body.append(dialog);
  dialog.showModal();
  (fields.find((field) => !field.input.readOnly)?.input ?? cancel).focus();
}

export function closeAll() {
  for (const dialog of document.querySelectorAll("dialog")) dialog.close();
}

function sentence(error, fields) {
  if (error instanceof Refused) {
    const rest = refuse(fields, error.errors);
    const isSaidBeside = Object.keys(error.errors).length > rest.length;
    return isSaidBeside ? rest.join(" ") : [`${error.message}.`, ...rest].join(" ");
  }
  if (error instanceof Unavailable) {
    return `It is not known whether it happened: ${error.message}. Press again; it will not happen twice.`;
  }
  throw error;
}
