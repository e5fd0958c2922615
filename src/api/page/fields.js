// Fields of a form: each has a label, may have a hint, and shows a refusal beside itself.

import { el, setAttribute, setText } from "./dom.js";

let fields = 0;

/** `name` is what the server calls it. */
export function field({ name, label, hint, value = "", ...attributes }) {
  fields += 1;
  const id = `field-${fields}`;
  const input = el("input", { id, type: "text", autocomplete: "off", ...attributes });
  input.value = value;
  const about = hint ? el("p", { id: `${id}-hint`, class: "hint" }, hint) : null;
  const error = el("p", { id: `${id}-error`, class: "refusal", hidden: true });
  const element = el("div", { class: "field" }, el("label", { for: id }, label), input, about, error);
  const made = {
    name,
    element,
    input,
    initial: value,
    get value() {
      return input.value;
    },
    /** Says what is wrong, or, given nothing, that nothing is. */
    refuse(sentence = "") {
      setText(error, sentence);
      error.hidden = sentence === "";
      setAttribute(input, "aria-invalid", sentence ? "true" : null);
      const described = [about?.id, sentence ? error.id : null].filter(Boolean).join(" ");
      setAttribute(input, "aria-describedby", described || null);
    },
  };
  made.refuse();
  return made;
}

/** Puts each sentence beside its field, and gives those back that have none here. */
export function refuse(fields, errors) {
  const rest = new Map(Object.entries(errors));
  for (const one of fields) {
    const sentences = rest.get(one.name) ?? [];
    one.refuse(sentences.join(" "));
    rest.delete(one.name);
  }
  fields.find((one) => one.input.hasAttribute("aria-invalid"))?.input.focus();
  return [...rest].map(([name, sentences]) => `${name}: ${sentences.join(" ")}`);
}

export function select({ label, options }) {
  fields += 1;
  const id = `field-${fields}`;
  const input = el("select", { id });
  const made = {
    element: el("div", { class: "field" }, el("label", { for: id }, label), input),
    input,
    offer(options) {
      const chosen = input.value;
      input.replaceChildren(...options.map(([value, text]) => el("option", { value }, text)));
      input.value = options.some(([value]) => value === chosen) ? chosen : options[0][0];
    },
  };
  made.offer(options);
  return made;
}
