/* The tab that leads: it holds one connection for the runs that all tabs follow. */

import { isBefore, TERMINAL } from "./events.js";

/** @import { EventStream, Message } from "./events.js" */

const MAX_RUNS = 32;

/**
 * What tabs and their leader say to each other. `after` is the last entry id that a follower has.
 *
 * @typedef {{ kind: "follow", follower: string, run: string, after: string }
 *   | { kind: "leave", follower: string }
 *   | { kind: "ping" }
 *   | { kind: "ask" }
 *   | { kind: "here" }
 *   | { kind: "open", runs: Map<string, string> }
 *   | { kind: "event", run: string } & Message
 *   | { kind: "interrupted" }
 *   | { kind: "refused", runs: string[], status: number }} Said
 *
 * A BroadcastChannel, whose own messages come to all others of its name, also to those of one page.
 * @typedef {object} Channel
 * @property {(message: Said) => void} postMessage
 * @property {((event: any) => any) | null} onmessage With a `Said` as the event's `data`.
 * @property {() => void} close
 *
 * @typedef {{ run: string, after: string, isServed: boolean }} Wish
 * @typedef {Pick<EventStream, "next" | "close">} Stream
 */

export class Leader {
  /**
   * `open` asks the server for the events of the runs after their ids.
   *
   * @param {Channel} channel
   * @param {object} parts
   * @param {(runs: Map<string, string>, request: AbortController) =>
   *   Promise<{ stream: Stream | null, status: number }>} parts.open
   * @param {(failures: number) => Promise<void>} parts.pause
   */
  constructor(channel, { open, pause }) {
    this.channel = channel;
    this.open = open;
    this.pause = pause;
    /** By follower. @type {Map<string, Wish>} */
    this.wishes = new Map();
    /** The last id that came of each run. @type {Map<string, string>} */
    this.cursors = new Map();
    /** @type {Stream | null} */
    this.stream = null;
    this.request = new AbortController();
    this.isOpening = false;
    this.isClosed = false;
    this.failures = 0;
    channel.onmessage = ({ data }) => this.hear(data);
    this.say({ kind: "ask" });
  }

  /** @param {Said} message */
  hear(message) {
    if (message.kind === "follow") {
      const { follower, run, after } = message;
      this.say({ kind: "here" });
      this.wishes.delete(follower);
      this.wishes.set(follower, { run, after, isServed: false });
      this.connect();
    } else if (message.kind === "leave") {
      this.wishes.delete(message.follower);
      this.rest();
    } else if (message.kind === "ping") {
      this.say({ kind: "here" });
    }
  }

  /** @param {Said} message */
  say(message) {
    this.channel.postMessage(message);
  }

  /** Open connections until every wish is served. The old one delivers until the new one does. */
  async connect() {
    if (this.isOpening) return;
    this.isOpening = true;
    for (let runs = this.plan(); runs && !this.isClosed; runs = this.plan()) {
      try {
        this.request = new AbortController();
        const { stream, status } = await this.open(runs, this.request);
        if (this.isClosed) stream?.close();
        else if (stream) this.use(stream, runs);
        else this.refuse(runs, status);
      } catch {
        await this.wait();
      }
    }
    this.isOpening = false;
  }

  /** The runs of a new connection with the ids to begin after; null if none is needed. */
  plan() {
    /** @type {Map<string, string>} */
    const runs = new Map();
    let isNeeded = false;
    for (const wish of this.wishes.values()) {
      const known = runs.get(wish.run);
      if (known === undefined && runs.size === MAX_RUNS) continue;
      const after = this.locate(wish);
      if (known === undefined || isBefore(after, known)) runs.set(wish.run, after);
      isNeeded ||= !wish.isServed;
    }
    return isNeeded ? runs : null;
  }

  /**
   * The id up to which the follower has the run's events.
   *
   * @param {Wish} wish
   */
  locate({ run, after, isServed }) {
    const cursor = (isServed && this.cursors.get(run)) || "";
    return isBefore(after, cursor) ? cursor : after;
  }

  /**
   * @param {Stream} stream
   * @param {Map<string, string>} runs
   */
  use(stream, runs) {
    this.settle();
    this.stream?.close();
    this.stream = stream;
    this.cursors = new Map(runs);
    for (const wish of this.wishes.values()) {
      const after = runs.get(wish.run);
      wish.isServed = after !== undefined && !isBefore(wish.after, after);
    }
    this.say({ kind: "open", runs });
    this.read(stream);
    this.rest();
  }

  /** Write down how far each follower came with the connection that ends. */
  settle() {
    for (const wish of this.wishes.values()) {
      wish.after = this.locate(wish);
      wish.isServed = false;
    }
  }

  /** @param {Stream} stream */
  async read(stream) {
    try {
      for (;;) {
        const message = await stream.next();
        if (stream !== this.stream) return;
        this.failures = 0;
        this.pass(message);
      }
    } catch {
      if (stream !== this.stream) return;
      this.stream = null;
      this.settle();
      await this.wait();
      this.connect();
    }
  }

  /**
   * Pass on an event, whose id is the run's, a colon, and the entry's if there is one.
   *
   * @param {Message} message
   */
  pass({ id: ids, event, data }) {
    const [run, id] = ids.split(":");
    if (id) this.cursors.set(run, id);
    this.say({ kind: "event", run, id, event, data });
    if (!TERMINAL.has(event) && event !== "missing") return;
    for (const [follower, wish] of this.wishes) {
      if (wish.run === run && wish.isServed) this.wishes.delete(follower);
    }
    this.rest();
    // A run may have waited for a place.
    this.connect();
  }

  /**
   * @param {Map<string, string>} runs
   * @param {number} status
   */
  refuse(runs, status) {
    for (const [follower, { run }] of this.wishes) {
      if (runs.has(run)) this.wishes.delete(follower);
    }
    this.say({ kind: "refused", runs: [...runs.keys()], status });
  }

  async wait() {
    if (this.failures > 0) this.say({ kind: "interrupted" });
    await this.pause(this.failures);
    this.failures += 1;
  }

  /** Hold no connection while nobody follows anything. */
  rest() {
    if (this.wishes.size > 0) return;
    this.stream?.close();
    this.stream = null;
  }

  close() {
    this.isClosed = true;
    this.request.abort();
    this.wishes.clear();
    this.rest();
    this.channel.close();
  }
}
