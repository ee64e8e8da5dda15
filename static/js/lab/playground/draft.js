/* What somebody is writing, kept in this browser for them; a thing of its own beside their runs. */

import { onForgotten, PREFIX } from "../../kept.js";

const SAVE_MS = 400;

/** Each tab keeps its own, so that two do not write over each other; a new tab gets the last. */
export class Draft {
  constructor(user, { onForgotten: callback }) {
    this.key = `${PREFIX}playground.${user}`;
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

  readFrom(find) {
    try {
      const draft = JSON.parse(find().getItem(this.key));
      return draft && typeof draft.text === "string" && Array.isArray(draft.ranges) ? draft : null;
    } catch {
      return null;
    }
  }

  save(draft) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.saveNow(draft), SAVE_MS);
  }

  saveNow(draft) {
    clearTimeout(this.timer);
    try {
      const text = JSON.stringify(draft());
      for (const storage of [sessionStorage, localStorage]) storage.setItem(this.key, text);
    } catch {
      // A browser that keeps nothing still runs prompts.
    }
  }
}
