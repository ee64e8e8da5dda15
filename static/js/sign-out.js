// Erases at sign-out what pages keep in this browser. Other open tabs hear of it and keep nothing
// more. The answer to a sign-out says the same to the browser, by a header.

import { forgetAll } from "./kept.js";

for (const form of document.querySelectorAll('form[action$="/logout/"]')) {
  form.addEventListener("submit", forgetAll);
}
