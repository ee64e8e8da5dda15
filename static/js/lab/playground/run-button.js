/* The button that runs and stops, on every page with a run bar. */

/** @import { Run } from "./run.js" */

const APPLE = /Mac|iPhone|iPad/.test(navigator.platform);

/**
 * @param {HTMLFormElement} form
 * @param {Run} run
 */
export function showRunButton(form, { isActive, state }) {
  const button = /** @type {HTMLButtonElement} */ (form.querySelector("[data-run-button]"));
  const key = /** @type {HTMLElement} */ (button.querySelector("[data-run-key]"));
  form.toggleAttribute("data-active", isActive);
  button.dataset.command = isActive ? "Stop" : "Run";
  /** @type {Element} */ (button.querySelector("[data-run-label]")).textContent = isActive
    ? "Stop"
    : "Run";
  button.disabled = state === "submitting" || state === "stopping";
  button.classList.toggle("button--primary", !isActive);
  button.classList.toggle("runbar__button--stop", isActive);
  button.setAttribute("aria-keyshortcuts", isActive ? "Escape" : "Control+Enter Meta+Enter");
  key.textContent = isActive ? "Esc" : APPLE ? "⌘↵" : "Ctrl ↵";
  key.hidden = false;
}
