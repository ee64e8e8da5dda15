/* On a phone the list of parts begins closed. */

const list = document.querySelector("[data-reference-nav]");
if (list && matchMedia("(max-width: 56rem)").matches) list.open = false;
