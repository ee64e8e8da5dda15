// Saves an application as it is written. Only the fields that changed are sent, so that
// two open tabs do not undo each other; without this module "Save draft" does the same.

const PAUSE_MS = 1200;
const RETRY_MS = 15000;
const ELSEWHERE =
  "Not saved: another tab has saved other text here. Press “Save draft” to see both.";

const form = document.querySelector("[data-draft]");
if (form) watch(form, form.querySelector("[data-draft-status]"));

function watch(form, status) {
  const changed = new Set();
  let timer = 0;
  let isSaving = false;
  let isHeld = false;

  const soon = (delay) => {
    clearTimeout(timer);
    timer = setTimeout(save, delay);
  };

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

  form.addEventListener("input", remember);
  form.addEventListener("change", remember);
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

async function post(form, names) {
  renewToken(form);
  const all = new FormData(form);
  const body = new FormData();
  for (const name of ["case", "seen", "form_origin"]) body.set(name, all.get(name));
  body.set("csrfmiddlewaretoken", all.get("csrfmiddlewaretoken"));
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
    return { message: "Not saved: no connection. It is tried again shortly.", mayRetry: true };
  }
}

// What was just saved is what this tab has seen.
function remind(form, seen) {
  const marks = new Map(form.elements.seen.value.split(" ").filter(Boolean).map((pair) => pair.split(":")));
  for (const [name, mark] of Object.entries(seen)) marks.set(name, mark);
  form.elements.seen.value = [...marks].map((pair) => pair.join(":")).join(" ");
}

// Signing in again in another tab changes the token; the cookie has the one that counts.
function renewToken(form) {
  const cookie = document.cookie.match(/(?:^|;\s*)csrftoken=([^;]+)/);
  if (cookie) form.elements.csrfmiddlewaretoken.value = cookie[1];
}

function tell(status, { message, link }) {
  status.textContent = message;
  if (!link) return;
  const anchor = document.createElement("a");
  anchor.href = link.url;
  anchor.target = "_blank";
  anchor.textContent = link.label;
  status.append(" ", anchor);
}

function clock(moment) {
  return moment.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
}
