/* Errors, each beside its field. */

/** @import { Refusal, Refused } from "./api.js" */
/** @import { WorkbenchForm } from "./main.js" */

/** @typedef {HTMLElement & { dataset: { error: string } }} Line */

export class Errors {
  /** @param {WorkbenchForm} form */
  constructor(form) {
    this.form = form;
    this.notices = /** @type {Element} */ (form.querySelector("[data-notices]"));
  }

  clear() {
    this.notices.replaceChildren();
    for (const line of this.form.querySelectorAll("[data-error]"))
      this.set(/** @type {Line} */ (line), "");
  }

  /** @param {string} name */
  clearField(name) {
    /** @type {Line | null} */
    const line = this.form.querySelector(`[data-error="${name}"]`);
    if (line) this.set(line, "");
  }

  /**
   * `errors` by field, as Django names the fields; `error` for the whole request.
   *
   * @param {Refused} body
   */
  show({ errors = {}, error }) {
    this.clear();
    /** @type {HTMLElement | null} */
    let first = null;
    for (const [name, texts] of Object.entries(errors)) {
      /** @type {Line | null} */
      const line = this.form.querySelector(`[data-error="${name}"]`);
      if (!line) continue;
      this.set(
        line,
        texts.map((text) => /** @type {{ message?: string }} */ (text).message ?? text).join(" "),
      );
      first ??= this.form.elements[name];
      for (let at = line.closest("details"); at; at = at.parentElement?.closest("details") ?? null)
        at.open = true;
    }
    this.notices.replaceChildren(buildNotice(error));
    if (first) first.focus();
    else this.notices.scrollIntoView({ block: "nearest" });
  }

  /**
   * @param {Line} line
   * @param {string} text
   */
  set(line, text) {
    line.textContent = text;
    line.hidden = !text;
    const field = this.form.elements[line.dataset.error];
    if (!field) return;
    field.toggleAttribute("aria-invalid", Boolean(text));
    if (text) field.setAttribute("aria-invalid", "true");
    const others = (field.getAttribute("aria-describedby") ?? "")
      .split(" ")
      .filter((id) => id && id !== line.id);
    const ids = text ? [...others, line.id] : others;
    if (ids.length) field.setAttribute("aria-describedby", ids.join(" "));
    else field.removeAttribute("aria-describedby");
  }
}

/** @param {Refusal} error */
function buildNotice({ message, next_step: step }) {
  const notice = document.createElement("div");
  notice.className = "notice notice--danger";
  notice.setAttribute("role", "alert");
  const text = document.createElement("p");
  text.append(message);
  if (step) {
    const link = document.createElement("a");
    link.href = step.url;
    link.textContent = step.label;
    text.append(" ", link);
  }
  notice.append(text);
  return notice;
}
