// The reviewers' keys: j and k through the list, Enter opens, x marks, c takes up, a and r go
// to a decision, ? tells them. They rest while somebody types, and with a modifier held.

const rows = [...document.querySelectorAll("[data-case-row]")];
const help = document.querySelector("[data-keys-help]");
let here = -1;

const keys = {
  j: () => mark(here + 1),
  k: () => mark(here - 1),
  x: () => rows[here]?.querySelector('input[type="checkbox"]')?.click(),
  c: () => command("claim"),
  a: () => decision("approve"),
  r: () => decision("return"),
  "?": () => help?.showModal(),
};

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target)) return;
  if (help?.open) return;
  const act = keys[event.key];
  if (!act) return;
  event.preventDefault();
  act();
});

function isTyping(element) {
  return element.closest("input:not([type=checkbox]), textarea, select, [contenteditable]") !== null;
}

function mark(index) {
  if (rows.length === 0) return;
  here = Math.min(Math.max(index, 0), rows.length - 1);
  const link = rows[here].querySelector("[data-case-link]");
  link.focus();
  link.scrollIntoView({ block: "nearest" });
}

// On the list the row's own form, on an application's page the only one.
function command(name) {
  const place = rows[here] ?? (rows.length ? null : document);
  place?.querySelector(`[data-command="${name}"]`)?.requestSubmit();
}

function decision(name) {
  const details = document.querySelector(`[data-decision="${name}"]`);
  if (!details) return;
  details.open = true;
  details.scrollIntoView({ block: "nearest" });
  details.querySelector("textarea, input:not([type=hidden]), select")?.focus();
}
