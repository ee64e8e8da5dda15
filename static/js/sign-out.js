// Erases at sign-out what pages keep in this browser. Other open tabs are notified and keep nothing
// more. The response to a sign-out tells the browser to erase it too, by a header.

import { forgetAll } from "./kept.js";

for (const form of document.querySelectorAll('form[action$="/logout/"]')) {
  form.addEventListener("submit", forgetAll);
}
