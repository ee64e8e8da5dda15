/* The whole distribution at a token, which a run of its own looks up. */

import { post } from "../api.js";
import { followRun } from "../stream.js";
import { spell, writeNumber, writeProbability } from "./measures.js";

/** @import { Answer } from "../api.js" */
/** @import { Reading } from "./measures.js" */

/**
 * Entropies are in nats. `left` is null if an `obstacle` keeps what the samplers left unknown.
 * @typedef {object} Whole
 * @property {number} vocabulary
 * @property {number} entropy
 * @property {string} obstacle
 * @property {{ tokens: number, probability: number, entropy: number } | null} left
 * @property {{ id: number, name: string | number[], logprob: number, left: number | null }[]} top
 */

export class WholeDistribution {
  /** @param {HTMLElement} panel */
  constructor(panel) {
    this.place = /** @type {HTMLElement} */ (panel.querySelector("[data-whole]"));
    this.button = /** @type {HTMLButtonElement} */ (panel.querySelector("[data-whole-button]"));
    this.words = /** @type {HTMLElement} */ (panel.querySelector("[data-whole-words]"));
    this.table = /** @type {HTMLTableElement} */ (panel.querySelector("[data-whole-table]"));
    /** @type {Reading | undefined} */
    this.reading = undefined;
    this.button.addEventListener("click", () => this.look());
  }

  /**
   * Offer to look at this token, if its run can be asked.
   *
   * @param {Reading | undefined} reading
   */
  offer(reading) {
    if (reading === this.reading) return;
    this.reading = reading;
    this.place.hidden = !reading?.origin || reading.logprob === null;
    this.button.hidden = false;
    this.table.hidden = true;
    this.words.textContent = "";
  }

  async look() {
    const { reading } = this;
    if (!reading?.origin) return;
    this.button.hidden = true;
    this.words.textContent = "Asking the model.";
    /** @param {string} words */
    const say = (words) => {
      if (reading !== this.reading) return;
      this.words.textContent = words;
      this.button.hidden = false;
    };
    const { run, part, index } = reading.origin;
    const answer = /** @type {Answer<{ events_url: string, url: string }>} */ (
      await post(`${run}distribution/`, { part, index: String(index) })
    );
    if (!answer.ok) return say(answer.body.error.message);
    const { events_url: eventsUrl, url } = answer.body;
    followRun(eventsUrl, {
      onEvent: (name, data) => {
        if (name === "done") this.read(url, reading, say);
        else if (name === "failed" || name === "cancelled") say(/** @type {{ message: string }} */ (data).message);
        else if (name === "state" && reading === this.reading)
          this.words.textContent = /** @type {{ message: string }} */ (data).message || "Waiting.";
      },
      onInterrupted: () => {},
      onRefused: () => say("The run cannot be read. Reload the page."),
    });
  }

  /**
   * @param {string} url
   * @param {Reading} reading
   * @param {(words: string) => void} say
   */
  async read(url, reading, say) {
    const response = await fetch(url, { headers: { Accept: "application/json" } }).catch(() => null);
    if (!response) return say("Gatehouse cannot be reached. Try again.");
    const body = await response.json().catch(() => null);
    if (!response.ok) return say(body?.error?.message ?? "Something broke on our side. Try again.");
    if (reading === this.reading) this.show(body);
  }

  /** @param {Whole} whole */
  show(whole) {
    this.words.textContent = describe(whole);
    this.table.hidden = false;
    this.table.tBodies[0].replaceChildren(
      ...whole.top.map(({ id, name, logprob, left }) => {
        const row = document.createElement("tr");
        row.toggleAttribute("data-chosen", id === this.reading?.id);
        const cells = [
          spell(name),
          writeProbability(Math.exp(logprob)),
          left === null ? "?" : left === 0 ? "–" : writeProbability(left),
        ];
        row.append(
          ...cells.map((text) => Object.assign(document.createElement("td"), { textContent: text })),
        );
        return row;
      }),
    );
  }
}

/** @param {Whole} whole */
export function describe({ vocabulary, entropy, obstacle, left }) {
  /** @param {number} nats */
  const bits = (nats) => `${writeNumber(nats / Math.LN2, 2)} bits`;
  const model = `The model’s entropy is ${bits(entropy)} over ${vocabulary.toLocaleString("en-GB")} tokens.`;
  if (left === null) {
    return `${model} Probabilities do not show what the samplers left of it, because of ${obstacle}.`;
  }
  const tokens = left.tokens === 1 ? "1 token" : `${left.tokens.toLocaleString("en-GB")} tokens`;
  return `${model} The samplers left ${tokens}, to which the model gave ${writeProbability(left.probability)}; the entropy among them is ${bits(left.entropy)}.`;
}
