/* The document and its parameters, kept in this browser for this person. */

const SAVE_MS = 400;

export class Draft {
  constructor(user) {
    this.key = `gatehouse.playground.${user}`;
    this.timer = 0;
  }

  /** The draft, or null. */
  read() {
    try {
      const draft = JSON.parse(localStorage.getItem(this.key));
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
      localStorage.setItem(this.key, JSON.stringify(draft()));
    } catch {
      // A browser that keeps nothing still runs prompts.
    }
  }
}
