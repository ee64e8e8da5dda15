// After a form comes back with mistakes, puts the reader at the list of them.

document.querySelector("[data-error-summary]")?.focus();
