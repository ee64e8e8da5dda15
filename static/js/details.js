/* On a wide screen CSS shows what is in these details without opening them; this says so to readers. */

const isWide = matchMedia("(min-width: 56.0625rem)");

function follow() {
  for (const details of document.querySelectorAll("[data-wide-open]"))
    /** @type {HTMLDetailsElement} */ (details).open = isWide.matches;
}

isWide.addEventListener("change", follow);
follow();
