/* The message that a run writes, where the playground has its document and the view of its tokens. */

import { fieldOf } from "./turns.js";

/** @import { Sheet } from "../sheet.js" */
/** @import { TokenView } from "../tokens/view.js" */
/** @import { Turns } from "./turns.js" */

export class Answer {
  /** @param {Turns} turns */
  constructor(turns) {
    this.turns = turns;
    this.start = 0;
    /** @type {HTMLTextAreaElement | null} */
    this.field = null;
  }

  beginCompletion() {
    this.field = fieldOf(this.turns.add("assistant"));
    this.field.readOnly = true;
  }

  /** @param {string} text */
  appendCompletion(text) {
    if (this.field) this.field.value += text;
  }

  /** @param {string} text */
  setCompletion(text) {
    if (this.field) this.field.value = text;
  }

  /** After the run; a run that wrote nothing leaves no message. */
  unlock() {
    const { field } = this;
    this.field = null;
    if (!field) return;
    field.readOnly = false;
    if (!field.value) field.closest("[data-turn]")?.remove();
  }

  /** As the document of a run. */
  get sheet() {
    return /** @type {Sheet} */ (/** @type {unknown} */ (this));
  }
}

/** Shows no tokens: they are on the page of the run. */
export const NO_VIEW = /** @type {TokenView} */ (
  /** @type {unknown} */ ({ begin() {}, read() {}, readAll() {}, readPrompt() {} })
);
