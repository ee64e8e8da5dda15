/* The prompt that the conversation becomes, from the server, once the typing pauses. */

import { post } from "../api.js";
import { Quota } from "../quota.js";

/** @import { Answer } from "../api.js" */
/** @import { WorkbenchForm } from "../main.js" */
/** @import { Left } from "../quota.js" */

/**
 * @typedef {object} Rendered
 * @property {string} prompt
 * @property {number} tokens
 * @property {boolean} is_exact
 * @property {number} context
 * @property {Left} quota
 */

const DEBOUNCE_MS = 350;

export class Preview {
  /**
   * @param {WorkbenchForm} form
   * @param {{ url: string, read: () => [string, string][] }} parts
   */
  constructor(form, { url, read }) {
    this.form = form;
    this.url = url;
    this.read = read;
    this.prompt = /** @type {Element} */ (form.querySelector("[data-prompt]"));
    this.count = /** @type {Element} */ (form.querySelector("[data-count-text]"));
    this.quota = new Quota(form);
    this.timer = 0;
    /** @type {AbortController | null} */
    this.request = null;
  }

  ask(delay = DEBOUNCE_MS) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.render(), delay);
  }

  async render() {
    this.request?.abort();
    this.request = new AbortController();
    const answer = /** @type {Answer<Rendered>} */ (
      await post(this.url, this.read(), { signal: this.request.signal })
    );
    if (answer.ok) this.show(answer.body);
    else if (!answer.aborted) {
      this.prompt.textContent = "";
      this.count.textContent = answer.body.error.message;
    }
  }

  /** @param {Rendered} rendered */
  show({ prompt, tokens, is_exact: isExact, context, quota }) {
    this.prompt.textContent = prompt;
    const count = tokens.toLocaleString("en-GB");
    this.count.textContent = `${isExact ? "" : "at most "}${count} tokens of ${context.toLocaleString("en-GB")}`;
    const wanted = Number(this.form.elements.max_tokens.value) || 0;
    this.quota.show(quota, Math.min(tokens + wanted, context));
  }
}
