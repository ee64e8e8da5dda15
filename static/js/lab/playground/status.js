/* The strip under the document: state, facts, and the words for screen readers. */

const ANNOUNCE_MS = 10_000;
const NAMES = {
  idle: "Ready",
  submitting: "Sending",
  queued: "Queued",
  running: "Running",
  stopping: "Stopping",
  succeeded: "Finished",
  cancelled: "Stopped",
  failed: "Failed",
};

/** @typedef {keyof typeof NAMES} State */

export class Status {
  /** @param {HTMLFormElement} form */
  constructor(form) {
    this.bar = /** @type {Element} */ (form.querySelector("[data-runbar]"));
    this.chip = /** @type {Element} */ (this.bar.querySelector("[data-chip]"));
    this.message = /** @type {Element} */ (this.bar.querySelector("[data-message]"));
    this.facts = /** @type {HTMLElement} */ (this.bar.querySelector("[data-facts]"));
    this.region = /** @type {Element} */ (this.bar.querySelector("[data-announce]"));
    this.announcedAt = 0;
  }

  /**
   * @param {State} state
   * @param {{ detail?: string, message?: string }} [words]
   */
  show(state, { detail = "", message = "" } = {}) {
    this.chip.className = `chip chip--${state}`;
    this.chip.textContent = detail ? `${NAMES[state]} ${detail}` : NAMES[state];
    this.message.textContent = message;
  }

  /**
   * The message of a stopped run already names the state.
   *
   * @param {State} state
   * @param {string} message
   */
  showEnd(state, message) {
    this.show(state, { message });
    if (state !== "cancelled") return;
    this.chip.textContent = message;
    this.message.textContent = "";
  }

  /**
   * @param {string} name
   * @param {string} text
   */
  showFact(name, text) {
    const fact = /** @type {HTMLElement} */ (this.facts.querySelector(`[data-fact="${name}"]`));
    fact.hidden = !text;
    /** @type {Element} */ (fact.querySelector("dd")).textContent = text;
    this.facts.hidden = false;
  }

  /**
   * @param {string} id
   * @param {string} url
   */
  showRun(id, url) {
    const fact = /** @type {HTMLElement} */ (this.facts.querySelector('[data-fact="run"]'));
    const link = document.createElement("a");
    link.className = "mono";
    link.href = url;
    link.title = id;
    link.textContent = id.slice(0, 8);
    /** @type {Element} */ (fact.querySelector("dd")).replaceChildren(link);
    fact.hidden = false;
    this.facts.hidden = false;
  }

  clearFacts() {
    for (const fact of this.facts.querySelectorAll("[data-fact]"))
      /** @type {HTMLElement} */ (fact).hidden = true;
  }

  /**
   * Announce it immediately.
   *
   * @param {string} text
   */
  announce(text) {
    this.announcedAt = Date.now();
    this.region.textContent = text;
  }

  /**
   * Announce it only if nothing was announced recently.
   *
   * @param {string} text
   */
  murmur(text) {
    if (Date.now() - this.announcedAt >= ANNOUNCE_MS) this.announce(text);
  }
}

/**
 * "2nd" for 2.
 *
 * @param {number} number
 */
export function ordinal(number) {
  const tens = number % 100;
  if (tens >= 11 && tens <= 13) return `${number}th`;
  return `${number}${
    /** @type {Record<number, string>} */ ({ 1: "st", 2: "nd", 3: "rd" })[number % 10] ?? "th"
  }`;
}

/**
 * "about 20 s", rounded to the precision of an estimate.
 *
 * @param {number} seconds
 */
export function about(seconds) {
  if (seconds < 1) return "starting now";
  if (seconds < 100) return `about ${seconds < 10 ? seconds : Math.round(seconds / 5) * 5} s`;
  return `about ${Math.round(seconds / 60)} min`;
}

/**
 * "1.2 s" or "340 ms".
 *
 * @param {number} milliseconds
 */
export function duration(milliseconds) {
  return milliseconds < 1000
    ? `${Math.round(milliseconds)} ms`
    : `${(milliseconds / 1000).toFixed(1)} s`;
}
