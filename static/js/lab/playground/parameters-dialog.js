/* On a small window the parameters are a dialog from below; on a wide one they are a panel. */

/**
 * @param {HTMLDialogElement} dialog
 * @param {HTMLFormElement} form
 */
function wire(dialog, form) {
  const panel = /** @type {HTMLDetailsElement} */ (form.querySelector("[data-parameters]"));
  const body = /** @type {HTMLElement} */ (panel.querySelector(".parameters__body"));
  const place = /** @type {HTMLElement} */ (dialog.querySelector("[data-parameters-here]"));
  const button = /** @type {HTMLElement} */ (form.querySelector("[data-parameters-open]"));

  function open() {
    place.append(body);
    dialog.showModal();
    /** @type {HTMLElement | null} */ (body.querySelector("[aria-invalid]"))?.focus();
  }

  button.addEventListener("click", open);
  // An error in a parameter opens the panel, which a small window does not show.
  panel.addEventListener("toggle", () => {
    if (panel.open && button.checkVisibility() && !dialog.open) open();
  });
  dialog.addEventListener("close", () => {
    panel.open &&= !button.checkVisibility();
    panel.append(body);
  });
  dialog.addEventListener("click", (event) => {
    const isOutside = event.target === dialog;
    const isDone = /** @type {Element} */ (event.target).matches("[data-parameters-close]");
    if (isOutside || isDone) dialog.close();
  });
  form.addEventListener("submit", () => dialog.close());
  dialog.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) dialog.close();
  });
}

const dialog = /** @type {HTMLDialogElement | null} */ (
  document.querySelector("[data-parameters-dialog]")
);
const owner = dialog?.closest("form");
if (dialog && owner) wire(dialog, owner);
