/* The live token count, the context bar, and the engine's state before a run. */

import { post } from "./api.js";
import { Marks } from "./marks.js";
import { Quota } from "./quota.js";

/** @import { Answer } from "./api.js" */
/** @import { WorkbenchForm } from "./main.js" */
/** @import { Parameters } from "./parameters.js" */
/** @import { Left } from "./quota.js" */
/** @import { Sheet } from "./sheet.js" */

/**
 * @typedef {object} Count
 * @property {number} tokens
 * @property {boolean} is_exact
 * @property {number} context
 * @property {string} beginning
 * @property {Left} quota
 * @property {{ state: string, message: string }} engine
 */

const DEBOUNCE_MS = 350;
const ENGINE_MS = 4000;

/** @param {number} value */
const number = (value) => value.toLocaleString("en-GB");

export class TokenCount {
  /**
   * @param {WorkbenchForm} form
   * @param {{ url: string, sheet: Sheet, parameters: Parameters }} parts
   */
  constructor(form, { url, sheet, parameters }) {
    this.form = form;
    this.url = url;
    this.sheet = sheet;
    this.parameters = parameters;
    this.line = /** @type {HTMLElement} */ (form.querySelector("[data-count]"));
    this.text = /** @type {Element} */ (form.querySelector("[data-count-text]"));
    this.meter = /** @type {HTMLMeterElement} */ (form.querySelector("[data-context-meter]"));
    this.marks = new Marks(form, sheet);
    this.quota = new Quota(form);
    this.timer = 0;
    /** @type {AbortController | null} */
    this.request = null;
    this.context = 0;
    /** @type {number | null} */
    this.followed = null;
  }

  /** Count once the typing pauses. */
  ask(delay = DEBOUNCE_MS) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.count(), delay);
  }

  async count() {
    this.request?.abort();
    this.request = new AbortController();
    const fields = {
      model: this.parameters.model.value,
      prompt: this.sheet.text,
      add_special_tokens: this.form.elements.add_special_tokens.value,
    };
    const { ok, body } = /** @type {Answer<Count>} */ (
      await post(this.url, fields, { signal: this.request.signal })
    );
    if (!ok) return;
    this.show(body);
    this.showEngine(fields.model, body.engine);
    if (body.engine.state !== "ready") this.ask(ENGINE_MS);
  }

  /**
   * Show a writing run's own count; `null` after its end.
   *
   * @param {number | null} tokens
   */
  follow(tokens) {
    this.followed = tokens;
    if (tokens === null || !this.context) return;
    clearTimeout(this.timer);
    this.draw({ count: `${number(tokens)} tokens`, share: tokens / this.context });
  }

  /** @param {Count} count */
  show({ tokens, is_exact: isExact, context, beginning, quota }) {
    const wanted = Number(this.form.elements.max_tokens.value) || 0;
    this.context = context;
    this.marks.show(beginning);
    const samples = Number(this.form.elements.n.value) || 1;
    this.quota.show(quota, samples * Math.min(tokens + wanted, context));
    if (this.followed !== null) {
      this.follow(this.followed);
      return;
    }
    const share = (tokens + wanted) / context;
    const count = isExact
      ? `${number(tokens)} tokens`
      : `at most ${number(tokens)} tokens`;
    const left = context - tokens - wanted;
    const room = left < 0 && isExact ? ` · ${number(-left)} too many with max tokens` : "";
    this.draw({ count, share, room });
  }

  /** @param {{ count: string, share: number, room?: string }} words */
  draw({ count, share, room = "" }) {
    this.text.textContent = `${count} of ${number(this.context)}${room}`;
    this.line.toggleAttribute("data-full", Boolean(room));
    this.meter.value = Math.min(1, share);
    this.line.hidden = false;
  }

  /**
   * @param {string} model
   * @param {Count["engine"]} engine
   */
  showEngine(model, { message }) {
    for (const line of /** @type {NodeListOf<HTMLElement>} */ (
      this.form.querySelectorAll("[data-engine]")
    )) {
      const isChosen = line.dataset.engine === model;
      if (isChosen)
        /** @type {Element} */ (line.querySelector("[data-engine-text]")).textContent = message;
      line.hidden = !isChosen || !message;
    }
  }
}
