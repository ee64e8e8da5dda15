/* A tab's followed runs, whose events come from the tab that leads. */

import { isBefore, TERMINAL } from "./events.js";

/** @import { Channel, Said } from "./leader.js" */
/** @import { EventStream, Message } from "./events.js" */

const HANDOVER_MS = 1000;

/**
 * `restart` reads everything again from the beginning.
 * @typedef {{ close: () => void, restart: () => void }} Follower
 *
 * @typedef {object} Handlers
 * @property {(name: string, data: unknown) => void} onEvent
 * @property {() => void} onInterrupted
 * @property {(status: number) => void} onRefused
 */

export class Tab {
  /**
   * @param {Channel} channel
   * @param {(callback: () => void, milliseconds: number) => unknown} [later]
   */
  constructor(channel, later = (callback, milliseconds) => setTimeout(callback, milliseconds)) {
    this.channel = channel;
    this.later = later;
    /** Whether the leader has said anything since `isHeard` was last reset. */
    this.isHeard = false;
    /** @type {Set<Following>} */
    this.followings = new Set();
    channel.onmessage = ({ data }) => this.hear(data);
  }

  /**
   * Follow a run. `opened` already delivers its events; it is closed as soon as the leader's
   * connection includes the run, so that it holds none of the browser's few connections.
   *
   * @param {string} run
   * @param {Handlers} handlers
   * @param {EventStream | null} opened
   * @returns {Follower}
   */
  follow(run, handlers, opened) {
    const following = new Following(this, run, handlers, opened);
    this.followings.add(following);
    following.announce();
    if (opened) {
      following.readOpened(opened);
      // Six opened streams would leave the leader no connection.
      this.later(() => this.isHeard && opened.close(), HANDOVER_MS);
    }
    return following;
  }

  /** @param {Said} message */
  hear(message) {
    if (message.kind === "follow" || message.kind === "leave" || message.kind === "ping") return;
    this.isHeard = true;
    for (const following of [...this.followings]) following.hear(message);
  }

  /** Tell the leader everything that is followed here. */
  announce() {
    for (const following of this.followings) following.announce();
  }

  /** Tell the leader that this page is gone. */
  leave() {
    for (const { name } of this.followings) this.channel.postMessage({ kind: "leave", follower: name });
  }

  /** @param {number} status */
  refuse(status) {
    for (const following of [...this.followings]) following.refuse(status);
  }
}

class Following {
  /**
   * @param {Tab} tab
   * @param {string} run
   * @param {Handlers} handlers
   * @param {EventStream | null} opened
   */
  constructor(tab, run, handlers, opened) {
    this.tab = tab;
    this.run = run;
    this.handlers = handlers;
    this.opened = opened;
    this.name = crypto.randomUUID();
    this.lastId = "";
    /** Whether the leader's connection has every event after `lastId`. */
    this.isFed = false;
    this.isOver = false;
  }

  announce() {
    this.isFed = false;
    this.tab.channel.postMessage({
      kind: "follow",
      follower: this.name,
      run: this.run,
      after: this.lastId,
    });
  }

  /** @param {EventStream} stream */
  async readOpened(stream) {
    try {
      while (!this.isFed && !this.isOver) this.take(await stream.next());
    } catch {
      // The leader's connection has the rest.
    }
    stream.close();
  }

  /** @param {Said} message */
  hear(message) {
    switch (message.kind) {
      case "ask":
        return this.announce();
      case "open": {
        const after = message.runs.get(this.run);
        this.isFed = after !== undefined && !isBefore(this.lastId, after);
        if (this.isFed) this.opened?.close();
        return undefined;
      }
      case "event":
        return message.run === this.run && this.isFed ? this.take(message) : undefined;
      case "interrupted":
        return this.handlers.onInterrupted();
      case "refused":
        return message.runs.includes(this.run) ? this.refuse(message.status) : undefined;
    }
  }

  /** @param {Message} message */
  take({ id, event, data }) {
    if (this.isOver || (id && !isBefore(this.lastId, id))) return;
    if (event === "missing") {
      this.refuse(404);
      return;
    }
    if (id) this.lastId = id;
    if (TERMINAL.has(event)) this.close();
    this.handlers.onEvent(event, JSON.parse(data));
  }

  /** @param {number} status */
  refuse(status) {
    this.close();
    this.handlers.onRefused(status);
  }

  close() {
    this.isOver = true;
    this.opened?.close();
    this.tab.followings.delete(this);
    this.tab.channel.postMessage({ kind: "leave", follower: this.name });
  }

  restart() {
    this.opened?.close();
    this.lastId = "";
    this.announce();
  }
}
