/* Undo and redo over typing, choices and runs alike. */

/** @import { Range } from "./ranges.js" */

/**
 * A run whose end the document is.
 * @typedef {object} Ended
 * @property {string} id
 * @property {string} url
 * @property {string} eventsUrl
 * @property {string} notesUrl
 * @property {number} promptLength
 * @property {string} model
 *
 * The document at one moment; `source` is the run it was made from.
 * @typedef {{ text: string, ranges: Range[], source: string, run?: Ended | null }} State
 */

const PAUSE_MS = 700;
const STATES = 200;
const CHARACTERS = 5_000_000;

export class Journal {
  /**
   * @param {State} first
   * @param {() => number} [now]
   */
  constructor(first, now = () => performance.now()) {
    this.now = now;
    this.states = [copy(first)];
    this.index = 0;
    this.typedAt = -Infinity;
  }

  /**
   * The document has changed. Letters typed without a pause are one step.
   *
   * @param {State} state
   * @param {{ isTyped?: boolean }} [how]
   */
  note(state, { isTyped = false } = {}) {
    const { text, run } = this.states[this.index];
    if (text === state.text && run?.id === state.run?.id) return;
    const goesOn = isTyped && this.now() - this.typedAt < PAUSE_MS;
    this.typedAt = isTyped ? this.now() : -Infinity;
    this.states.length = this.index + 1;
    if (goesOn) this.states.pop();
    this.states.push(copy(state));
    this.forgetOldest();
    this.index = this.states.length - 1;
  }

  get canUndo() {
    return this.index > 0;
  }

  get canRedo() {
    return this.index < this.states.length - 1;
  }

  /** The state before, or null. */
  undo() {
    return this.canUndo ? this.move(-1) : null;
  }

  /** The state that was undone last, or null. */
  redo() {
    return this.canRedo ? this.move(1) : null;
  }

  /** @param {number} by */
  move(by) {
    this.typedAt = -Infinity;
    this.index += by;
    return copy(this.states[this.index]);
  }

  /** The newest state stays, whatever its length. */
  forgetOldest() {
    let kept = this.states.reduce((sum, { text }) => sum + text.length, 0);
    while (this.states.length > 1 && (kept > CHARACTERS || this.states.length > STATES)) {
      kept -= /** @type {State} */ (this.states.shift()).text.length;
    }
  }
}

/**
 * @param {State} state
 * @returns {State}
 */
function copy(state) {
  return { ...state, ranges: state.ranges.map(([start, end]) => [start, end]) };
}
