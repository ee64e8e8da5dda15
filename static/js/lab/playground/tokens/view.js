/* What the model thought of each token of the document: colours, a curve, one token in detail. */

import { getText } from "../api.js";
import { findEdit } from "../ranges.js";
import { EventParser } from "../following/events.js";
import { Heat } from "./heat.js";
import { Inspector } from "./inspector.js";
import { spell, splitLines, summarise, writeNumber } from "./measures.js";
import { Readings } from "./readings.js";
import { Trace } from "./trace.js";

/** @import { Sheet } from "../sheet.js" */
/** @import { Choice } from "./inspector.js" */
/** @import { Mode, Reading } from "./measures.js" */
/** @import { Tokens } from "./readings.js" */

const DRAW_MS = 150;
/* A longer text is summed up less often. */
const TOKENS_PER_MS = 10;
const LINE_LENGTH = 60;

export class TokenView {
  /**
   * @param {HTMLFormElement} form
   * @param {{ sheet: Sheet, onPick: (choice: Choice) => void }} parts
   */
  constructor(form, { sheet, onPick }) {
    this.sheet = sheet;
    this.panel = /** @type {HTMLElement} */ (form.querySelector("[data-token-panel]"));
    this.summary = /** @type {HTMLElement} */ (this.panel.querySelector("[data-token-summary]"));
    this.lines = /** @type {HTMLDetailsElement} */ (this.panel.querySelector("[data-token-lines]"));
    this.readings = new Readings();
    this.heat = new Heat(sheet, /** @type {HTMLElement} */ (form.querySelector("[data-legend]")));
    this.inspector = new Inspector(this.panel, {
      readings: this.readings,
      onMove: (reading) => this.heat.mark(reading),
      onPick,
    });
    this.trace = new Trace(
      /** @type {HTMLElement} */ (this.panel.querySelector("[data-token-trace]")),
      (from, to) => this.select(this.readings.list.slice(from, to + 1)),
    );
    this.known = sheet.text;
    this.model = "";
    this.url = "";
    this.start = 0;
    this.timer = 0;
    this.wire(form);
  }

  /** @param {HTMLFormElement} form */
  wire(form) {
    const buttons = /** @type {NodeListOf<HTMLButtonElement>} */ (
      form.querySelectorAll("[data-token-mode]")
    );
    for (const button of buttons) {
      button.addEventListener("click", () => {
        for (const other of buttons) other.ariaPressed = String(other === button);
        this.heat.show(/** @type {Mode} */ (button.dataset.tokenMode));
      });
    }
    this.sheet.onDraw = () => this.followText();
    document.addEventListener("selectionchange", () => {
      if (document.activeElement === this.sheet.field) this.look(this.sheet.field.selectionStart);
    });
    this.sheet.field.addEventListener("mousemove", (event) => {
      if (this.heat.mode === "text") return;
      const place = document.caretPositionFromPoint?.(event.clientX, event.clientY);
      if (place) this.look(place.offset);
    });
    this.lines.addEventListener("toggle", () => this.drawLines());
  }

  /** The text of the sheet has changed: forget the tokens that an edit touched. */
  followText() {
    const { start, endBefore } = findEdit(this.known, this.sheet.text);
    // Text that was only added at the end changes nothing before it.
    if (endBefore > start || start < this.known.length) this.readings.cut(start);
    this.drawSoon();
  }

  /**
   * A run begins whose completion follows the document's first `length` characters.
   *
   * @param {number} length
   * @param {string} model
   * @param {string} url The run's address.
   */
  begin(length, model, url) {
    if (model !== this.model) this.readings.clear();
    this.model = model;
    this.url = url;
    this.start = length;
    this.readings.begin(url);
    this.readings.cut(length);
    this.drawSoon();
  }

  /** @param {Tokens} scored */
  readPrompt(scored) {
    this.readings.readPrompt(scored);
    this.drawSoon();
  }

  /** @param {Tokens} tokens */
  read(tokens) {
    this.readings.append(tokens);
    this.drawSoon();
  }

  /**
   * The numbers of a run that has ended.
   *
   * @param {{ url: string, eventsUrl: string, promptLength: number, model: string }} run
   */
  async load({ url, eventsUrl, promptLength, model }) {
    const text = await getText(eventsUrl, "text/event-stream");
    const found = new EventParser().push(text ?? "").find(({ event }) => event === "snapshot");
    if (!found || this.known !== this.sheet.text) return;
    this.begin(promptLength, model, url);
    this.readAll(JSON.parse(found.data));
  }

  /**
   * A whole completion, which replaces what was read of this run.
   *
   * @param {Tokens & { scored: Tokens | null }} snapshot
   */
  readAll(snapshot) {
    this.readings.cut(this.start);
    this.readings.begin(this.url);
    if (snapshot.scored) this.readings.readPrompt(snapshot.scored);
    this.readings.append(snapshot);
    this.drawSoon();
  }

  /** @param {number} position */
  look(position) {
    const index = this.readings.find(position);
    this.inspector.show(index);
    this.heat.mark(this.readings.list[index] ?? null);
  }

  /**
   * A part of the curve was selected; nothing selects the whole document.
   *
   * @param {Reading[]} readings
   */
  select(readings) {
    const [first, last] = [readings.at(0), readings.at(-1)];
    this.heat.mark(first && last ? { start: first.start, end: last.end } : null);
    if (first) this.sheet.scrollTo(first.start);
    this.summary.textContent = describe(readings.length > 0 ? readings : this.readings.list);
  }

  /** Colour at once, and redraw soon what need not follow every token. */
  drawSoon() {
    this.known = this.sheet.text;
    this.heat.follow(this.readings.list);
    // Not later than the first token is shown, which would then move.
    this.panel.toggleAttribute("data-empty", this.readings.list.length === 0);
    if (this.timer) return;
    this.timer = setTimeout(() => {
      this.timer = 0;
      const { list } = this.readings;
      this.trace.show(list);
      this.summary.textContent = describe(list);
      this.drawLines();
      const isUsed = this.panel.contains(document.activeElement);
      this.inspector.show(isUsed ? this.inspector.index : this.readings.find(this.sheet.field.selectionStart));
    }, DRAW_MS + this.readings.list.length / TOKENS_PER_MS);
  }

  drawLines() {
    this.lines.hidden = this.readings.list.length === 0;
    if (!this.lines.open) return;
    const body = /** @type {HTMLTableElement} */ (this.lines.querySelector("table")).tBodies[0];
    body.replaceChildren(
      ...splitLines(this.sheet.text, this.readings.list).map(({ text, readings }, index) => {
        const found = summarise(readings);
        const row = document.createElement("tr");
        const cells = [
          String(index + 1),
          spell(text.slice(0, LINE_LENGTH)) + (text.length > LINE_LENGTH ? "…" : ""),
          String(found?.tokens ?? 0),
          found ? writeNumber(found.mean) : "–",
          found ? writeNumber(found.perplexity, 2) : "–",
        ];
        row.append(...cells.map((cell) => Object.assign(document.createElement("td"), { textContent: cell })));
        return row;
      }),
    );
  }
}

/** @param {Reading[]} readings */
function describe(readings) {
  const found = summarise(readings);
  if (!found) return "";
  const tokens = `${found.tokens.toLocaleString("en-GB")} token${found.tokens === 1 ? "" : "s"}`;
  return `${tokens} · mean log-probability ${writeNumber(found.mean)} · perplexity ${writeNumber(found.perplexity, 2)}`;
}
