/* The document: a textarea, and behind it the same text, of which parts are coloured. */

import { highlight } from "./highlight.js";
import { findEdit, findFirst, moveRanges } from "./ranges.js";

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
    this.node = document.createTextNode("");
    /** @type {Element} */ (form.querySelector("[data-tint]")).append(this.node);
    this.completions = highlight("completion");
    this.scroller = /** @type {HTMLElement} */ (form.querySelector("[data-scroller]"));
    /** @type {Range[]} */
    this.ranges = [];
    this.known = this.field.value;
    this.frame = 0;
    this.onEdit = () => {};
    this.onDraw = () => {};
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
    this.followSoon();
    const end = this.field.value.length;
    this.field.setRangeText(text, end, end, "preserve");
    const last = this.ranges.at(-1);
    this.known = this.field.value;
    if (last?.[0] === this.start) last[1] = this.known.length;
    else this.ranges.push([this.start, this.known.length]);
    this.node.insertData(end, this.known.slice(end));
    this.tint();
  }

  /** @param {string} text */
  setCompletion(text) {
    this.field.value = this.field.value.slice(0, this.start);
    this.ranges = this.ranges.filter(([from]) => from < this.start);
    this.draw();
    this.appendCompletion(text);
  }

  lock() {
    this.field.readOnly = true;
    this.scroller.dataset.writing = "";
  }

  unlock() {
    this.field.readOnly = false;
    delete this.scroller.dataset.writing;
  }

  /** If the end is in sight, it will be in the next frame: a long text is laid out once a frame. */
  followSoon() {
    if (this.frame) return;
    const isFollowed = this.isAtEnd();
    this.frame = requestAnimationFrame(() => {
      this.frame = 0;
      if (isFollowed) this.scrollToEnd();
    });
  }

  isAtEnd() {
    const { scrollHeight, scrollTop, clientHeight } = this.scroller;
    return scrollHeight - scrollTop - clientHeight < NEAR_THE_END;
  }

  scrollToEnd() {
    this.scroller.scrollTop = this.scroller.scrollHeight;
  }

  /**
   * A part of the text, for a highlight; null if it is empty or beyond the end.
   *
   * @param {number} start
   * @param {number} end
   */
  findRange(start, end) {
    const last = Math.min(end, this.known.length);
    if (start >= last) return null;
    return new StaticRange({
      startContainer: this.node,
      startOffset: start,
      endContainer: this.node,
      endOffset: last,
    });
  }

  /** The part of the text that can be seen, as places of its first and last character. */
  findVisible() {
    const { top, bottom } = this.scroller.getBoundingClientRect();
    const length = this.known.length;
    return {
      first: findFirst(length, (position) => this.findBox(position).bottom > top),
      last: findFirst(length, (position) => this.findBox(position).top > bottom),
    };
  }

  /**
   * Where the character is on the screen.
   *
   * @param {number} position
   */
  findBox(position) {
    const range = document.createRange();
    range.setStart(this.node, position);
    range.setEnd(this.node, Math.min(position + 1, this.known.length));
    return range.getBoundingClientRect();
  }

  /**
   * Scroll so that the character at `position` can be seen.
   *
   * @param {number} position
   */
  scrollTo(position) {
    const top = this.findBox(position).top - this.scroller.getBoundingClientRect().top;
    if (top < 0 || top > this.scroller.clientHeight - NEAR_THE_END) {
      this.scroller.scrollTop += top - this.scroller.clientHeight / 3;
    }
  }

  draw() {
    this.known = this.field.value;
    this.node.data = this.known + END_MARK;
    this.tint();
    this.onDraw();
  }

  /** Colour the completions. */
  tint() {
    this.completions?.clear();
    for (const [start, end] of this.ranges) {
      const range = this.findRange(start, end);
      if (range) this.completions?.add(range);
    }
  }
}
