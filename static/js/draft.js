// Saves an application as it is written. Only the fields that changed are sent, so that
// two open tabs do not undo each other; without this module "Save draft" does the same.

const PAUSE_MS = 1200;
const RETRY_MS = 15000;
const ELSEWHERE =
  "Not saved: another tab saved different text here. Press “Save draft” to see both.";

/**
 * @typedef {HTMLFormElement & {
 *   elements: HTMLFormControlsCollection &
 *     { seen: HTMLInputElement, csrfmiddlewaretoken: HTMLInputElement },
 *   dataset: { saveUrl: string, signInUrl: string },
 * }} DraftForm
 *
 * @typedef {object} Saved
 * @property {Date} savedAt
 * @property {Record<string, string>} seen Each field's mark.
 *
 * @typedef {object} Unsaved
 * @property {undefined} [savedAt]
 * @property {string} message
 * @property {{ url: string, label: string }} [link]
 * @property {boolean} [isHeld] Nothing more is sent from this tab.
 * @property {boolean} [mayRetry]
 */

const form = /** @type {DraftForm | null} */ (document.querySelector("[data-draft]"));
if (form) watch(form, /** @type {Element} */ (form.querySelector("[data-draft-status]")));

/**
 * @param {DraftForm} form
 * @param {Element} status
 */
function watch(form, status) {
  const changed = /** @type {Set<string>} */ (new Set());
  let timer = 0;
  let isSaving = false;
  /** @type {boolean | undefined} */
  let isHeld = false;

  /** @param {number} delay */
  const soon = (delay) => {
    clearTimeout(timer);
    timer = setTimeout(save, delay);
  };

  /** @param {Event & { target: HTMLInputElement }} event */
  const remember = (event) => {
    if (!event.target.name || event.target.type === "hidden") return;
    changed.add(event.target.name);
    if (!isHeld) status.textContent = "Not saved yet";
    soon(event.type === "change" ? 0 : PAUSE_MS);
  };

  async function save() {
    if (isSaving || isHeld || changed.size === 0) return;
    const names = [...changed];
    changed.clear();
    isSaving = true;
    status.textContent = "Saving";
    const outcome = await post(form, names);
    isSaving = false;
    if (outcome.savedAt) {
      remind(form, outcome.seen);
      status.textContent = changed.size ? "Not saved yet" : `Saved ${clock(outcome.savedAt)}`;
      if (changed.size) soon(PAUSE_MS);
      return;
    }
    names.forEach((name) => changed.add(name));
    tell(status, outcome);
    isHeld = outcome.isHeld;
    if (outcome.mayRetry) soon(RETRY_MS);
  }

  form.addEventListener("input", /** @type {EventListener} */ (remember));
  form.addEventListener("change", /** @type {EventListener} */ (remember));
  form.addEventListener("focusout", () => soon(0));
  form.addEventListener("submit", () => {
    clearTimeout(timer);
    changed.clear();
    renewToken(form);
  });
  addEventListener("online", () => soon(0));
  addEventListener("beforeunload", (event) => {
    if (changed.size) event.preventDefault();
  });
}

/**
 * @param {DraftForm} form
 * @param {string[]} names
 * @returns {Promise<Saved | Unsaved>}
 */
async function post(form, names) {
  renewToken(form);
  const all = new FormData(form);
  const body = new FormData();
  for (const name of ["case", "seen", "form_origin"])
    body.set(name, /** @type {string} */ (all.get(name)));
  body.set("csrfmiddlewaretoken", /** @type {string} */ (all.get("csrfmiddlewaretoken")));
  for (const name of names) {
    body.append("changed", name);
    for (const value of all.getAll(name)) body.append(name, value);
  }
  try {
    const response = await fetch(form.dataset.saveUrl, {
      method: "POST",
      body,
      headers: { Accept: "application/json" },
    });
    const answer = await response.json();
    if (response.ok) return { savedAt: new Date(answer.saved_at), seen: answer.seen };
    if (answer.error.code === "saved_meanwhile") return { message: ELSEWHERE, isHeld: true };
    if (response.status === 401) {
      return {
        message: "Not saved: you are signed out. What you typed is still here.",
        link: { url: form.dataset.signInUrl, label: "Sign in in another tab" },
        mayRetry: true,
      };
    }
    return { message: `Not saved. ${answer.error.message}`, mayRetry: response.status >= 500 };
  } catch {
    return { message: "Not saved: no connection. Trying again shortly.", mayRetry: true };
  }
}

// This tab has now seen the text that was just saved.
/**
 * @param {DraftForm} form
 * @param {Record<string, string>} seen
 */
function remind(form, seen) {
  const marks = new Map(
    form.elements.seen.value
      .split(" ")
      .filter(Boolean)
      .map((pair) => /** @type {[string, string]} */ (pair.split(":"))),
  );
  for (const [name, mark] of Object.entries(seen)) marks.set(name, mark);
  form.elements.seen.value = [...marks].map((pair) => pair.join(":")).join(" ");
}

// Signing in again in another tab changes the token; the cookie has the current one.
/** @param {DraftForm} form */
function renewToken(form) {
  const cookie = document.cookie.match(/(?:^|;\s*)csrftoken=([^;]+)/);
  if (cookie) form.elements.csrfmiddlewaretoken.value = cookie[1];
}

/**
 * @param {Element} status
 * @param {Unsaved} outcome
 */
function tell(status, { message, link }) {
  status.textContent = message;
  if (!link) return;
  const anchor = document.createElement("a");
  anchor.href = link.url;
  anchor.target = "_blank";
  anchor.textContent = link.label;
  status.append(" ", anchor);
}

/** @param {Date} moment */
function clock(moment) {
  return moment.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
}
