/* Shows and runs the print buttons; without script, the browser's own menu prints. */

for (const button of /** @type {NodeListOf<HTMLElement>} */ (
  document.querySelectorAll("[data-print]")
)) {
  button.hidden = false;
  button.addEventListener("click", () => window.print());
}
