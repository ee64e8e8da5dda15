/* What was refused, beside the field it is about. */

export class Errors {
  constructor(form) {
    this.form = form;
    this.notices = form.querySelector("[data-notices]");
    this.parameters = form.querySelector("[data-parameters]");
  }

  clear() {
    this.notices.replaceChildren();
    for (const line of this.form.querySelectorAll("[data-error]")) this.set(line, "");
  }

  clearField(name) {
    const line = this.form.querySelector(`[data-error="${name}"]`);
    if (line) this.set(line, "");
  }

  /** `errors` by field as Django names them, `error` as a whole. */
  show({ errors = {}, error }) {
    this.clear();
    let first = null;
    for (const [name, texts] of Object.entries(errors)) {
      const line = this.form.querySelector(`[data-error="${name}"]`);
      if (!line) continue;
      this.set(line, texts.map((text) => text.message ?? text).join(" "));
      first ??= this.form.elements[name];
      if (this.parameters.contains(line)) this.parameters.open = true;
    }
    this.notices.replaceChildren(buildNotice(error));
    if (first) first.focus();
    else this.notices.scrollIntoView({ block: "nearest" });
  }

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
