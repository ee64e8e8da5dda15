// The reviewers' keyboard shortcuts: j and k move through the list, Enter opens, x marks, c
// claims, a and r go to a decision, ? shows help. They are off while the user types, and while a
// modifier key is held.

const rows = [...document.querySelectorAll("[data-case-row]")];
/** @type {HTMLDialogElement | null} */
const help = document.querySelector("[data-keys-help]");
let here = -1;

/** @type {Record<string, (() => void) | undefined>} */
const keys = {
  j: () => mark(here + 1),
  k: () => mark(here - 1),
  x: () =>
    /** @type {HTMLElement | null | undefined} */ (
      rows[here]?.querySelector('input[type="checkbox"]')
    )?.click(),
  c: () => command("claim"),
  a: () => decision("approve"),
  r: () => decision("return"),
  "?": () => help?.showModal(),
};

document.addEventListener("keydown", (event) => {
  if (
    event.ctrlKey ||
    event.metaKey ||
    event.altKey ||
    isTyping(/** @type {Element} */ (event.target))
  )
    return;
  if (help?.open) return;
  const act = keys[event.key];
  if (!act) return;
  event.preventDefault();
  act();
});

/** @param {Element} element */
function isTyping(element) {
  return element.closest("input:not([type=checkbox]), textarea, select, [contenteditable]") !== null;
}

/** @param {number} index */
function mark(index) {
  if (rows.length === 0) return;
  here = Math.min(Math.max(index, 0), rows.length - 1);
  const link = /** @type {HTMLElement} */ (rows[here].querySelector("[data-case-link]"));
  link.focus();
  link.scrollIntoView({ block: "nearest" });
}

// In the list, the form of the current row; on an application's page, the only form.
/** @param {string} name */
function command(name) {
  const place = rows[here] ?? (rows.length ? null : document);
  /** @type {HTMLFormElement | null | undefined} */ (
    place?.querySelector(`[data-command="${name}"]`)
  )?.requestSubmit();
}

/** @param {string} name */
function decision(name) {
  /** @type {HTMLDetailsElement | null} */
  const details = document.querySelector(`[data-decision="${name}"]`);
  if (!details) return;
  details.open = true;
  details.scrollIntoView({ block: "nearest" });
  /** @type {HTMLElement | null} */ (
    details.querySelector("textarea, input:not([type=hidden]), select")
  )?.focus();
}
