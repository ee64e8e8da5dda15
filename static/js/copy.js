/* Shows and runs the copy buttons; without script, one tap selects the whole text. */

/** @param {Element} element */
function select(element) {
  const range = document.createRange();
  range.selectNodeContents(element);
  const selection = /** @type {Selection} */ (window.getSelection());
  selection.removeAllRanges();
  selection.addRange(range);
}

/** @typedef {HTMLElement & { dataset: { copy: string }, parentElement: Element }} CopyButton */

/** @param {CopyButton} button */
export function wireCopy(button) {
  const source = /** @type {Element} */ (document.querySelector(button.dataset.copy));
  const status = /** @type {Element} */ (button.parentElement.querySelector("[data-copy-status]"));
  button.hidden = false;
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(source.textContent);
      status.textContent = "Copied.";
    } catch {
      select(source);
      status.textContent = "The text is selected: copy it with your keyboard or menu.";
    }
  });
}

for (const button of document.querySelectorAll("[data-copy]"))
  wireCopy(/** @type {CopyButton} */ (button));
