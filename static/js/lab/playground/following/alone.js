/* One run over a connection of its own, where tabs cannot share one. */

import { openEvents, pause, TERMINAL } from "./events.js";

/** @import { EventStream } from "./events.js" */
/** @import { Follower, Handlers } from "./tab.js" */

/**
 * @param {string} url
 * @param {Handlers} handlers
 * @param {EventStream | null} opened
 * @returns {Follower}
 */
export function followAlone(url, handlers, opened) {
  let lastId = "";
  let failures = 0;
  let isClosed = false;
  let request = opened?.request ?? new AbortController();

  async function open() {
    const { stream, status } = await openEvents(url, request, lastId);
    if (stream) return stream;
    isClosed = true;
    handlers.onRefused(status);
    return null;
  }

  /** @param {EventStream} stream */
  async function read(stream) {
    while (!isClosed) {
      const message = await stream.next();
      if (isClosed) return;
      failures = 0;
      if (message.id) lastId = message.id;
      handlers.onEvent(message.event, JSON.parse(message.data));
      if (TERMINAL.has(message.event)) {
        isClosed = true;
        stream.close();
      }
    }
  }

  /** @param {EventStream | null} first */
  async function run(first) {
    let stream = first;
    while (!isClosed) {
      try {
        stream ??= await open();
        // `open` returns null only after `isClosed` is set; then nothing is read.
        await read(/** @type {EventStream} */ (stream));
      } catch {
        if (isClosed) return;
        if (failures > 0) handlers.onInterrupted();
        await pause(failures);
        failures += 1;
        request = new AbortController();
        stream = null;
      }
    }
  }

  run(opened);
  return {
    close() {
      isClosed = true;
      request.abort();
    },
    restart() {
      lastId = "";
      request.abort();
    },
  };
}
