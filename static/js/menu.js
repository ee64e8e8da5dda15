// Closes an open menu on Escape and on a click elsewhere. Without this it is a plain <details>.

const menus = [
  .../** @type {NodeListOf<HTMLDetailsElement>} */ (
    document.querySelectorAll("details[data-menu]")
  ),
];

document.addEventListener("click", (event) => {
  for (const menu of menus) {
    if (!menu.contains(/** @type {Node} */ (event.target))) menu.open = false;
  }
});

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const menu of menus.filter((candidate) => candidate.open)) {
    menu.open = false;
    /** @type {HTMLElement} */ (menu.querySelector("summary")).focus();
  }
});
