// Inserts a chosen reply into its field. Without this module, replies are not offered.

/** @typedef {HTMLElement & { dataset: { target: string, reason: string } }} Replies */

for (const box of document.querySelectorAll("[data-replies]"))
  offer(/** @type {Replies} */ (box));

/** @param {Replies} box */
function offer(box) {
  const select = /** @type {HTMLSelectElement} */ (box.querySelector("select"));
  const target = /** @type {HTMLTextAreaElement} */ (document.getElementById(box.dataset.target));
  const reason = /** @type {HTMLSelectElement | null} */ (
    document.getElementById(box.dataset.reason)
  );
  box.hidden = false;
  select.addEventListener("change", () => {
    if (!select.value) return;
    // Existing text stays; the reply is added below it.
    target.value = target.value.trim() ? `${target.value.trim()}\n\n${select.value}` : select.value;
    const code = select.selectedOptions[0].dataset.reason;
    if (reason && code) reason.value = code;
    select.value = "";
    target.focus();
  });
}
