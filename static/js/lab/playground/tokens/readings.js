/* The document's tokens that have log-probabilities, in order. */

/** @import { Origin, Reading } from "./measures.js" */

/**
 * An entry of the stream: id, log-probability, rank, and the likeliest tokens.
 * @typedef {[number, number, number | null, [number, number][]] | null} Entry
 *
 * What an event says of tokens; `pieces` is missing if the model's tokenizer is unknown.
 * @typedef {object} Tokens
 * @property {number[]} token_ids
 * @property {Entry[]} logprobs
 * @property {string[]} [pieces]
 * @property {Record<string, string | number[]>} [names]
 */

const CLOSED = -9999;

export class Readings {
  constructor() {
    /** @type {Reading[]} */
    this.list = [];
    /** The texts of tokens, or the bytes of those that are no whole characters.
     * @type {Map<number, string | number[]>} */
    this.names = new Map();
    this.end = 0;
    /** The address of the run that is read. */
    this.run = "";
    this.made = 0;
  }

  /**
   * A run begins, or is read from its beginning again.
   *
   * @param {string} run
   */
  begin(run) {
    this.run = run;
    this.made = 0;
  }

  /** Forget everything, as for another model. */
  clear() {
    this.list = [];
    this.names.clear();
    this.end = 0;
  }

  /**
   * Forget the tokens that an edit at `position` touched, and those after it: their numbers
   * depend on the text before them.
   *
   * @param {number} position
   */
  cut(position) {
    let length = this.list.findLastIndex(({ end }) => end <= position) + 1;
    // Parts of a character whose last part is cut off.
    while (length > 0 && this.isPart(this.list[length - 1])) length -= 1;
    this.list.length = length;
    this.end = position;
  }

  /** @param {Reading} reading */
  isPart({ id, start, end }) {
    return start === end && typeof this.names.get(id) !== "string";
  }

  /**
   * The prompt's tokens, which begin the document, in place of all that was read.
   *
   * @param {Tokens} scored
   */
  readPrompt(scored) {
    if (scored.pieces === undefined) return;
    const { end } = this;
    this.list = [];
    this.end = 0;
    this.add(scored, (index) => ({ part: "prompt", index }));
    this.end = end;
  }

  /**
   * The next tokens of the completion.
   *
   * @param {Tokens} tokens
   */
  append(tokens) {
    const first = this.made;
    this.made += tokens.token_ids.length;
    this.add(tokens, (index) => ({ part: "completion", index: first + index }));
  }

  /**
   * @param {Tokens} tokens
   * @param {(index: number) => Omit<Origin, "run">} place
   */
  add({ token_ids: ids, logprobs, pieces, names }, place) {
    if (pieces === undefined || names === undefined) return;
    for (const [id, name] of Object.entries(names)) this.names.set(Number(id), name);
    ids.forEach((id, index) => {
      const [, logprob, rank, top] = logprobs[index] ?? [id, null, null, []];
      const start = this.end;
      // As a textarea keeps it.
      this.end += pieces[index].replace(/\r\n/g, "\n").length;
      this.list.push({
        id,
        start,
        end: this.end,
        logprob: logprob === null ? null : open(logprob),
        rank,
        top: top.map(([other, value]) => [other, open(value)]),
        origin: this.run ? { run: this.run, ...place(index) } : null,
      });
    });
  }

  /**
   * The place in the list of the token at `position`, or -1. Of several at one place it is the
   * last, which completes the character.
   *
   * @param {number} position
   */
  find(position) {
    const index = this.list.findLastIndex(({ start }) => start <= position);
    return index >= 0 && position <= this.list[index].end ? index : -1;
  }
}

/**
 * JSON has no infinity; the stream writes -9999 for it.
 *
 * @param {number} logprob
 */
function open(logprob) {
  return logprob === CLOSED ? -Infinity : logprob;
}
