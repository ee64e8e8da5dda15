/* One token: what the model considered at its position. Arrow keys move, Enter picks. */

import {
  boundEntropy,
  listAlternatives,
  spell,
  toSurprisal,
  writeNumber,
  writeProbability,
} from "./measures.js";
import { WholeDistribution } from "./whole.js";

/** @import { Reading } from "./measures.js" */
/** @import { Readings } from "./readings.js" */

/** @typedef {{ reading: Reading, text: string }} Choice */

export class Inspector {
  /**
   * @param {HTMLElement} panel
   * @param {object} parts
   * @param {Readings} parts.readings
   * @param {(reading: Reading) => void} parts.onMove The keyboard moved to another token.
   * @param {(choice: Choice) => void} parts.onPick
   */
  constructor(panel, { readings, onMove, onPick }) {
    this.readings = readings;
    this.onPick = onPick;
    this.title = /** @type {HTMLElement} */ (panel.querySelector("[data-token-title]"));
    this.facts = /** @type {HTMLElement} */ (panel.querySelector("[data-token-facts]"));
    this.table = /** @type {HTMLTableElement} */ (panel.querySelector("[data-token-table]"));
    this.rest = /** @type {HTMLElement} */ (panel.querySelector("[data-token-rest]"));
    this.hint = /** @type {HTMLElement} */ (panel.querySelector("[data-token-hint]"));
    this.whole = new WholeDistribution(panel);
    this.index = -1;
    /** @type {Reading | undefined} */
    this.reading = undefined;
    panel.addEventListener("keydown", (event) => {
      const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
      if (step) {
        event.preventDefault();
        if (this.readings.list[this.index + step]) {
          this.show(this.index + step);
          onMove(this.readings.list[this.index]);
          this.focusRow(0);
        }
      }
      const rows = { ArrowUp: -1, ArrowDown: 1 }[event.key];
      if (rows) {
        event.preventDefault();
        this.focusRow(this.buttons.findIndex((button) => button === document.activeElement) + rows);
      }
    });
  }

  get buttons() {
    return [...this.table.tBodies[0].querySelectorAll("button")];
  }

  /** @param {number} row */
  focusRow(row) {
    (this.buttons[Math.max(0, row)] ?? this.buttons.at(-1))?.focus();
  }

  /**
   * Show a token by its place in the list; -1 for none.
   *
   * @param {number} index
   */
  show(index) {
    this.index = index;
    const reading = this.readings.list[index];
    if (reading) {
      this.title.textContent = `Token ${index + 1} of ${this.readings.list.length}: ${this.spell(reading.id)}`;
    }
    // A button that is drawn again loses the focus.
    if (reading === this.reading) return;
    this.reading = reading;
    this.whole.offer(reading);
    this.hint.hidden = Boolean(reading);
    for (const part of [this.title, this.facts, this.table, this.rest]) part.hidden = !reading;
    if (!reading) return;
    this.facts.textContent = describe(reading);
    const { rows, sum, other } = listAlternatives(reading);
    this.table.tBodies[0].replaceChildren(...rows.map((row) => this.drawRow(reading, row)));
    this.table.hidden = rows.length === 0;
    this.rest.hidden = rows.length === 0;
    this.rest.textContent = `Listed: ${writeProbability(sum)}. All other tokens: ${writeProbability(other)}.`;
  }

  /**
   * @param {Reading} reading
   * @param {{ id: number, logprob: number, rank: number }} row
   */
  drawRow(reading, { id, logprob, rank }) {
    const line = document.createElement("tr");
    const isChosen = id === reading.id;
    line.toggleAttribute("data-chosen", isChosen);
    const button = document.createElement("button");
    const name = this.readings.names.get(id);
    button.type = "button";
    button.className = "token-table__pick";
    button.textContent = this.spell(id);
    // Part of a character cannot be written into a text. The button keeps the focus anyway.
    const text = isChosen || typeof name !== "string" ? "" : name;
    button.ariaDisabled = String(!text);
    button.title = isChosen ? "This token was chosen" : "Continue from here with this token";
    button.addEventListener("click", () => text && this.onPick({ reading, text }));
    const probability = Math.exp(logprob);
    const bar = document.createElement("meter");
    bar.value = probability;
    bar.className = "token-table__bar";
    bar.ariaHidden = "true";
    const cells = [button, bar, writeProbability(probability), writeNumber(logprob), rank || "–", id];
    line.append(
      ...cells.map((content) => {
        const cell = document.createElement("td");
        cell.append(content instanceof Node ? content : String(content));
        return cell;
      }),
    );
    return line;
  }

  /** @param {number} id */
  spell(id) {
    return spell(this.readings.names.get(id));
  }
}

/** @param {Reading} reading */
function describe(reading) {
  if (reading.logprob === null) return "The first token has no probability: nothing precedes it.";
  const parts = [`surprisal ${writeNumber(toSurprisal(reading.logprob), 2)} bits`];
  const entropy = boundEntropy(reading);
  if (entropy !== null) parts.push(`entropy at least ${writeNumber(entropy, 2)} bits`);
  if (reading.rank !== null) parts.push(`rank ${reading.rank.toLocaleString("en-GB")}`);
  return parts.join(" · ");
}
