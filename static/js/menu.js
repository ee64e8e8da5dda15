// Closes an open menu on Escape and on a click elsewhere. Without this it is a plain <details>.

const menus = [...document.querySelectorAll("details[data-menu]")];

document.addEventListener("click", (event) => {
  for (const menu of menus) {
    if (!menu.contains(event.target)) menu.open = false;
  }
});

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape") return;
  for (const menu of menus.filter((candidate) => candidate.open)) {
    menu.open = false;
    menu.querySelector("summary").focus();
  }
});
