/* What is noted about the run, and its tree: a part of the page that the server writes. */

import { wireCopy } from "../../copy.js";
import { getText } from "./api.js";

/** @import { CopyButton } from "../../copy.js" */

/* A run's last token is here before the record of it. */
const LOOK_AGAIN_MS = [250, 500, 1000, 2000, 4000, 8000];

export class Notes {
  constructor() {
    this.place = /** @type {HTMLElement} */ (document.querySelector("[data-run-notes]"));
    this.url = "";
    /** @type {number | undefined} */
    this.timer = undefined;
  }

  /**
   * Show the notes of another run, or the newest state of this one until it is on record.
   *
   * @param {string} url
   */
  async show(url, delays = LOOK_AGAIN_MS) {
    clearTimeout(this.timer);
    if (this.place.contains(document.activeElement)) return;
    this.url = url;
    const text = await getText(`${url}?part=1`, "text/html");
    if (text === null || url !== this.url) return;
    const page = new DOMParser().parseFromString(text, "text/html");
    this.place.replaceChildren(...page.body.childNodes);
    for (const button of this.place.querySelectorAll("[data-copy]"))
      wireCopy(/** @type {CopyButton} */ (button));
    const [next, ...rest] = delays;
    if (next && this.place.querySelector("[data-unrecorded]"))
      this.timer = window.setTimeout(() => this.show(url, rest), next);
  }
}
