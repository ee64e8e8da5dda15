/* Colours the document's tokens by a measure, without adding elements to it. */

import { highlight } from "../highlight.js";
import { findFirst } from "../ranges.js";
import { findLevel, LEVELS, SCALES } from "./measures.js";

/** @import { Sheet } from "../sheet.js" */
/** @import { Mode, Reading } from "./measures.js" */

/* Only what is in view is coloured: a browser paints a thousand ranges at once, but not ten
   thousand while the text grows. */
export class Heat {
  /**
   * @param {Sheet} sheet
   * @param {HTMLElement} legend
   */
  constructor(sheet, legend) {
    this.sheet = sheet;
    this.legend = legend;
    /** @type {Mode} */
    this.mode = "text";
    this.levels = Array.from({ length: LEVELS + 1 }, (_, level) => highlight(`token-${level}`));
    this.marked = highlight("token-marked");
    /** @type {Reading[]} */
    this.readings = [];
    this.frame = 0;
    sheet.scroller.addEventListener("scroll", () => this.drawSoon(), { passive: true });
    new ResizeObserver(() => this.drawSoon()).observe(sheet.scroller);
  }

  /** @param {Mode} mode */
  show(mode) {
    this.mode = mode;
    this.sheet.scroller.dataset.tokens = mode;
    this.drawLegend();
    this.draw();
  }

  /**
   * Colour these tokens from the next frame on.
   *
   * @param {Reading[]} readings
   */
  follow(readings) {
    this.readings = readings;
    this.drawSoon();
  }

  drawSoon() {
    if (this.mode !== "text") this.frame ||= requestAnimationFrame(() => this.draw());
  }

  draw() {
    this.frame = 0;
    for (const level of this.levels) level?.clear();
    const { mode, readings } = this;
    if (mode === "text") return;
    const { first, last } = this.sheet.findVisible();
    for (let index = findFrom(readings, first); index < readings.length; index += 1) {
      const reading = readings[index];
      if (reading.start > last) break;
      const level = findLevel(reading, mode);
      const range = level !== null && this.sheet.findRange(reading.start, reading.end);
      if (range) this.levels[level]?.add(range);
    }
  }

  /**
   * Frame a part of the document; null for none.
   *
   * @param {{ start: number, end: number } | null} part
   */
  mark(part) {
    this.marked?.clear();
    const range = part && this.sheet.findRange(part.start, part.end);
    if (range) this.marked?.add(range);
  }

  drawLegend() {
    const { mode } = this;
    this.legend.hidden = mode === "text";
    if (mode === "text") return;
    const { bounds, isRising, unit, write } = SCALES[mode];
    const steps = Array.from({ length: LEVELS + 1 }, (_, level) => {
      const step = document.createElement("span");
      step.className = `legend__step legend__step--${level}`;
      const isAbove = isRising === level > 0;
      step.textContent = `${isAbove ? "≥" : "<"}\u2009${write(bounds[Math.max(0, level - 1)])}`;
      return step;
    });
    this.legend.replaceChildren(...steps, unit);
  }
}

/**
 * The place of the first token that ends after `position`.
 *
 * @param {Reading[]} readings
 * @param {number} position
 */
function findFrom(readings, position) {
  return findFirst(readings.length, (index) => readings[index].end > position);
}
