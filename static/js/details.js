/* On a wide screen CSS shows these details unopened; this opens them, so that screen readers agree. */

const isWide = matchMedia("(min-width: 56.0625rem)");

function follow() {
  for (const details of document.querySelectorAll("[data-wide-open]"))
    /** @type {HTMLDetailsElement} */ (details).open = isWide.matches;
}

isWide.addEventListener("change", follow);
follow();
