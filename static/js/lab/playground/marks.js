/* What the model gets and nobody sees: the beginning token, and invisible characters. */

import { findNext, listInvisible } from "./invisible.js";

/** @import { Found } from "./invisible.js" */
/** @import { WorkbenchForm } from "./main.js" */
/** @import { Sheet } from "./sheet.js" */

const WITHOUT = "without";

export class Marks {
  /**
   * @param {WorkbenchForm} form
   * @param {Sheet} sheet
   */
  constructor(form, sheet) {
    this.sheet = sheet;
    this.line = /** @type {HTMLElement} */ (form.querySelector("[data-marks]"));
    /** The field whose value the first mark switches. */
    this.field = form.elements.add_special_tokens;
  }

  /** @param {string} beginning The text of the tokens that the tokenizer adds; may be empty. */
  show(beginning) {
    const focused = /** @type {HTMLElement | null} */ (document.activeElement)?.dataset.mark;
    const marks = listInvisible(this.sheet.text).map((found) => this.drawInvisible(found));
    if (beginning) marks.unshift(this.drawBeginning(beginning));
    this.line.replaceChildren(...marks);
    this.line.hidden = marks.length === 0;
    if (focused) marks.find((mark) => mark.dataset.mark === focused)?.focus();
  }

  /** @param {string} beginning */
  drawBeginning(beginning) {
    const isAdded = this.field.value !== WITHOUT;
    const words = isAdded ? "before the text" : "left out";
    const mark = drawMark("beginning", [code(beginning), ` ${words}`]);
    mark.title = isAdded
      ? "The tokenizer puts this token in front of your text. Press to leave it out."
      : "The tokenizer would put this token in front of your text. Press to add it.";
    mark.setAttribute("aria-pressed", String(isAdded));
    mark.addEventListener("click", () => {
      this.field.value = isAdded ? WITHOUT : "";
      this.field.dispatchEvent(new Event("input", { bubbles: true }));
      this.show(beginning);
    });
    return mark;
  }

  /** @param {Found} found */
  drawInvisible({ character, name, code: point, count }) {
    const times = count > 1 ? `${count.toLocaleString("en-GB")} × ` : "";
    const mark = drawMark(point, [`${times}${name} `, code(point)]);
    mark.title = "Press to select the next one.";
    mark.addEventListener("click", () => {
      const { field } = this.sheet;
      const at = findNext(this.sheet.text, character, field.selectionEnd);
      if (at < 0) return;
      field.focus();
      field.setSelectionRange(at, at + character.length);
      this.sheet.scrollTo(at);
    });
    return mark;
  }
}

/**
 * @param {string} name
 * @param {(string | Node)[]} content
 */
function drawMark(name, content) {
  const mark = document.createElement("button");
  mark.type = "button";
  mark.className = "mark";
  mark.dataset.mark = name;
  mark.append(...content);
  return mark;
}

/** @param {string} text */
function code(text) {
  const element = document.createElement("code");
  element.textContent = text;
  return element;
}
