// Puts what was sent and not accepted back into its form. Without this module it is shown above the
// form as text, with a button that sends it.

/**
 * An input or a text area; with `options`, a select.
 * @typedef {HTMLInputElement & { options?: HTMLOptionsCollection }} Field
 */

// Where it is null, restore() never runs.
const notice = /** @type {Element} */ (document.querySelector("[data-unsent]"));
// Modules that load later get its events like those of any typing.
if (notice) document.addEventListener("DOMContentLoaded", restore);

function restore() {
  const kept = /** @type {HTMLFormElement | null} */ (notice.querySelector("[data-unsent-form]"));
  if (!kept) return;
  const path = new URL(kept.action).pathname;
  const form = [...document.forms].find((other) => !notice.contains(other) && goesTo(other, path));
  if (!form) return;
  const values = new FormData(kept);
  const fields = /** @type {Field[]} */ ([...form.elements]).filter((field) =>
    isFilled(field, values),
  );
  if (fields.length === 0) return;
  for (const field of fields) fill(field, /** @type {string[]} */ (values.getAll(field.name)));
  for (
    let box = /** @type {HTMLFormElement | HTMLDetailsElement | null | undefined} */ (form);
    box;
    box = box.parentElement?.closest("details")
  )
    box.open = true;
  for (const box of form.querySelectorAll("details")) {
    if (fields.some((field) => field.type !== "hidden" && box.contains(field))) box.open = true;
  }
  notice.querySelector("[data-unsent-typed]")?.remove();
  kept.hidden = true;
  const where = notice.querySelector("[data-unsent-where]");
  if (where) where.textContent = "It is back in the form below. Check it and send it.";
}

/**
 * @param {HTMLFormElement} form
 * @param {string} path
 */
function goesTo(form, path) {
  const buttons = [
    .../** @type {NodeListOf<HTMLButtonElement>} */ (form.querySelectorAll("[formaction]")),
  ];
  return [form.action, ...buttons.map((button) => button.formAction)].some(
    (address) => new URL(address, location.href).pathname === path,
  );
}

/**
 * @param {Field} field
 * @param {FormData} values
 */
function isFilled({ name, type }, values) {
  if (!name || ["csrfmiddlewaretoken", "form_origin"].includes(name)) return false;
  if (["checkbox", "radio"].includes(type)) return true;
  return values.has(name) && !["file", "password", "submit", "button"].includes(type);
}

/**
 * @param {Field} field
 * @param {string[]} texts
 */
function fill(field, texts) {
  if (["checkbox", "radio"].includes(field.type)) field.checked = texts.includes(field.value);
  else if (field.options) for (const option of field.options) option.selected = texts.includes(option.value);
  else field.value = texts[0];
  field.dispatchEvent(new Event("input", { bubbles: true }));
  field.dispatchEvent(new Event("change", { bubbles: true }));
}
