/* The keys and buttons that go back and forth over what was typed, chosen and run. */

import { Journal } from "./journal.js";

/** @import { State } from "./journal.js" */

export class Past {
  /**
   * @param {HTMLFormElement} form
   * @param {object} parts
   * @param {State} parts.first
   * @param {() => State} parts.read The document now.
   * @param {(state: State) => void} parts.onMove
   * @param {() => boolean} parts.isFree Whether the document may change now.
   */
  constructor(form, { first, read, onMove, isFree }) {
    this.read = read;
    this.onMove = onMove;
    this.isFree = isFree;
    this.journal = new Journal(first);
    this.journal.note(read());
    this.buttons = {
      undo: /** @type {HTMLButtonElement} */ (form.querySelector("[data-undo]")),
      redo: /** @type {HTMLButtonElement} */ (form.querySelector("[data-redo]")),
    };
    this.buttons.undo.addEventListener("click", () => this.move("undo"));
    this.buttons.redo.addEventListener("click", () => this.move("redo"));
    const field = /** @type {HTMLTextAreaElement} */ (form.querySelector("textarea[name=prompt]"));
    field.addEventListener("keydown", (event) => this.press(event));
    // Menus and gestures. The browser's own history knows neither runs nor choices.
    field.addEventListener("beforeinput", (event) => {
      if (!["historyUndo", "historyRedo"].includes(event.inputType)) return;
      event.preventDefault();
      this.move(event.inputType === "historyUndo" ? "undo" : "redo");
    });
    this.showButtons();
  }

  /** @param {KeyboardEvent} event */
  press(event) {
    if (!(event.ctrlKey || event.metaKey) || event.altKey) return;
    const key = event.key.toLowerCase();
    if (key !== "z" && key !== "y") return;
    event.preventDefault();
    this.move(key === "y" || event.shiftKey ? "redo" : "undo");
  }

  /** @param {{ isTyped?: boolean }} [how] */
  note(how) {
    this.journal.note(this.read(), how);
    this.showButtons();
  }

  /** @param {"undo" | "redo"} way */
  move(way) {
    const state = this.isFree() ? this.journal[way]() : null;
    if (state) this.onMove(state);
    this.showButtons();
  }

  showButtons() {
    const isFree = this.isFree();
    this.buttons.undo.disabled = !isFree || !this.journal.canUndo;
    this.buttons.redo.disabled = !isFree || !this.journal.canRedo;
  }
}
