// After a form comes back with mistakes, puts the reader at the list of them.

/** @type {HTMLElement | null} */ (document.querySelector("[data-error-summary]"))?.focus();
