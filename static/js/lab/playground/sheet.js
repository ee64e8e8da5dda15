/* The document: a textarea, and behind it the same text with tinted completions. */

import { findEdit, moveRanges, splitText } from "./ranges.js";

/** @import { Range } from "./ranges.js" */

const NEAR_THE_END = 48;
/* A final line break has no height unless a character follows it. */
const END_MARK = "\u200b";

export class Sheet {
  /** @param {HTMLFormElement} form */
  constructor(form) {
    this.field = /** @type {HTMLTextAreaElement} */ (
      form.querySelector("textarea[name=prompt]")
    );
    this.tint = /** @type {Element} */ (form.querySelector("[data-tint]"));
    this.scroller = /** @type {HTMLElement} */ (form.querySelector("[data-scroller]"));
    /** @type {Range[]} */
    this.ranges = [];
    this.known = this.field.value;
    /** @type {Text | null} */
    this.tail = null;
    this.onEdit = () => {};
    this.field.addEventListener("input", () => {
      this.ranges = moveRanges(this.ranges, findEdit(this.known, this.field.value));
      this.draw();
      this.onEdit();
    });
    this.draw();
  }

  get text() {
    return this.field.value;
  }

  /**
   * @param {string} text
   * @param {Range[]} [ranges]
   */
  setText(text, ranges = []) {
    this.field.value = text;
    this.ranges = ranges;
    this.draw();
  }

  /** Open a completion at the end of the document; the text before it is the prompt. */
  beginCompletion(start = this.text.length) {
    /** @type {number} */
    this.start = start;
    this.ranges = this.ranges.filter(([from]) => from < start);
    this.lock();
    this.setCompletion("");
  }

  /** @param {string} text */
  appendCompletion(text) {
    if (!text) return;
    const follow = this.isAtEnd();
    const end = this.field.value.length;
    this.field.setRangeText(text, end, end, "preserve");
    this.known = this.field.value;
    if (this.tail) {
      this.ranges[this.ranges.length - 1][1] = this.known.length;
      this.tail.appendData(text);
    } else {
      this.ranges.push([this.start, this.known.length]);
      this.draw();
    }
    if (follow) this.scrollToEnd();
  }

  /** @param {string} text */
  setCompletion(text) {
    this.field.value = this.field.value.slice(0, this.start);
    this.ranges = this.ranges.filter(([from]) => from < this.start);
    this.draw();
    // An earlier completion may end here; the new text does not belong to it.
    this.tail = null;
    this.appendCompletion(text);
  }

  /** Remove the newest completion from the document. */
  removeCompletion() {
    const last = this.ranges.at(-1);
    if (!last) return;
    this.setText(this.text.slice(0, last[0]) + this.text.slice(last[1]), this.ranges.slice(0, -1));
    this.field.focus();
    this.field.setSelectionRange(last[0], last[0]);
    this.onEdit();
  }

  lock() {
    this.field.readOnly = true;
    this.scroller.dataset.writing = "";
  }

  unlock() {
    this.field.readOnly = false;
    delete this.scroller.dataset.writing;
  }

  isAtEnd() {
    const { scrollHeight, scrollTop, clientHeight } = this.scroller;
    return scrollHeight - scrollTop - clientHeight < NEAR_THE_END;
  }

  scrollToEnd() {
    this.scroller.scrollTop = this.scroller.scrollHeight;
  }

  draw() {
    this.known = this.field.value;
    this.tail = null;
    const nodes = splitText(this.known, this.ranges).map(({ text, isCompletion }) => {
      const node = document.createTextNode(text);
      if (!isCompletion) return node;
      const mark = document.createElement("mark");
      mark.append(node);
      return mark;
    });
    const last = nodes.at(-1);
    if (last instanceof HTMLElement && this.ranges.at(-1)?.[1] === this.known.length) {
      this.tail = /** @type {Text} */ (last.firstChild);
    }
    this.tint.replaceChildren(...nodes, END_MARK);
  }
}
