/* What is noted about the run, and its tree: a part of the page that the server writes. */

import { wireCopy } from "../../copy.js";

/** @import { CopyButton } from "../../copy.js" */

export class Notes {
  constructor() {
    this.place = /** @type {HTMLElement} */ (document.querySelector("[data-run-notes]"));
  }

  /**
   * Show the notes of another run, or the newest state of this one.
   *
   * @param {string} url
   */
  async show(url) {
    if (this.place.contains(document.activeElement)) return;
    const response = await fetch(`${url}?part=1`, { credentials: "same-origin" }).catch(() => null);
    if (!response?.ok || response.redirected) return;
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    this.place.replaceChildren(...page.body.childNodes);
    for (const button of this.place.querySelectorAll("[data-copy]"))
      wireCopy(/** @type {CopyButton} */ (button));
  }
}
