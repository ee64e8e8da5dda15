/* The user's draft, kept in this browser and separate from their runs. */

import { onForgotten, PREFIX } from "../../kept.js";

/** @import { Range } from "./ranges.js" */

/**
 * `run` is the run that was made from it.
 * @typedef {object} Kept
 * @property {string | null} run
 * @property {string} text
 * @property {Range[]} ranges
 * @property {string} [source] The run that its text comes from.
 * @property {Record<string, string>} [values]
 */

const SAVE_MS = 400;

/** Each tab keeps its own draft, so that no tab overwrites another; a new tab gets the last. */
export class Draft {
  /**
   * @param {string} user
   * @param {{ name?: string, onForgotten: () => void }} parts
   */
  constructor(user, { name = "playground", onForgotten: callback }) {
    this.key = `${PREFIX}${name}.${user}`;
    this.timer = 0;
    onForgotten(this.key, () => {
      clearTimeout(this.timer);
      sessionStorage.removeItem(this.key);
      callback();
    });
  }

  /** The draft, or null. */
  read() {
    return this.readFrom(() => sessionStorage) ?? this.readFrom(() => localStorage);
  }

  /**
   * @param {() => Storage} find
   * @returns {Kept | null}
   */
  readFrom(find) {
    try {
      const draft = JSON.parse(/** @type {string} */ (find().getItem(this.key)));
      return draft && typeof draft.text === "string" && Array.isArray(draft.ranges) ? draft : null;
    } catch {
      return null;
    }
  }

  /** @param {() => Kept} draft */
  save(draft) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.saveNow(draft), SAVE_MS);
  }

  /** @param {() => Kept} draft */
  saveNow(draft) {
    clearTimeout(this.timer);
    try {
      const text = JSON.stringify(draft());
      for (const storage of [sessionStorage, localStorage]) storage.setItem(this.key, text);
    } catch {
      // Prompts run even in a browser without storage.
    }
  }
}
