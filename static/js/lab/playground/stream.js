/* Server-Sent Events over fetch, which unlike EventSource shows a 401 and lets us time silence. */

const SILENCE_MS = 25_000;
const PAUSES_MS = [300, 1000, 2000, 4000];
const TERMINAL = new Set(["done", "failed", "cancelled"]);

/** @typedef {{ id: string, event: string, data: string }} Message */

/** Splits the input into { id, event, data }; an incomplete message waits for its rest. */
export class EventParser {
  constructor() {
    this.rest = "";
  }

  /** @param {string} chunk */
  push(chunk) {
    const blocks = (this.rest + chunk).split("\n\n");
    this.rest = /** @type {string} */ (blocks.pop());
    return blocks.map(parseBlock).filter((message) => message.data !== "");
  }
}

/** @param {string} block */
function parseBlock(block) {
  const message = { id: "", event: "message", data: "" };
  for (const line of block.split("\n")) {
    const colon = line.indexOf(":");
    if (colon < 1) continue;
    const name = line.slice(0, colon);
    const value = line.slice(colon + 1).replace(/^ /, "");
    if (name === "data") message.data += message.data ? `\n${value}` : value;
    else if (Object.hasOwn(message, name)) message[/** @type {keyof Message} */ (name)] = value;
  }
  return message;
}

/** One connection's messages, in order. */
export class EventStream {
  /**
   * `request` is the AbortController that the response was fetched with.
   *
   * @param {Response} response
   * @param {AbortController} request
   */
  constructor(response, request) {
    this.request = request;
    this.reader = /** @type {NonNullable<Response["body"]>} */ (response.body)
      .pipeThrough(new TextDecoderStream())
      .getReader();
    this.parser = new EventParser();
    /** @type {Message[]} */
    this.waiting = [];
  }

  /** The next message; throws when the connection is lost, closed, or silent for too long. */
  async next() {
    // Messages that wait in a closed stream are dropped: a new one sends them again.
    this.request.signal.throwIfAborted();
    while (this.waiting.length === 0) {
      const alarm = setTimeout(() => this.close(), SILENCE_MS);
      try {
        const { done, value } = await this.reader.read();
        if (done) throw new Error("the connection ended before the run did");
        this.waiting = this.parser.push(value);
      } finally {
        clearTimeout(alarm);
      }
    }
    return /** @type {Message} */ (this.waiting.shift());
  }

  close() {
    this.request.abort();
  }
}

/** @typedef {{ close: () => void, restart: () => void }} Follower */

/**
 * Follows a run to its end, through lost connections. `opened` is an EventStream that already
 * delivers its events.
 *
 * @param {string} url
 * @param {object} handlers
 * @param {(name: string, data: unknown) => void} handlers.onEvent
 * @param {() => void} handlers.onInterrupted
 * @param {(status: number) => void} handlers.onRefused
 * @param {EventStream | null} [opened]
 * @returns {Follower}
 */
export function followRun(url, handlers, opened = null) {
  let lastId = "";
  let failures = 0;
  let isClosed = false;
  let request = opened?.request ?? new AbortController();

  async function open() {
    /** @type {Record<string, string>} */
    const headers = { Accept: "text/event-stream" };
    if (lastId) headers["Last-Event-ID"] = lastId;
    const response = await fetch(url, {
      headers,
      cache: "no-store",
      redirect: "error",
      signal: request.signal,
    });
    if (response.ok) return new EventStream(response, request);
    if (response.status >= 500) throw new Error("the server failed");
    isClosed = true;
    handlers.onRefused(response.status);
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
        await pause(PAUSES_MS[Math.min(failures, PAUSES_MS.length - 1)]);
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
    /** Read everything again from the beginning. */
    restart() {
      lastId = "";
      request.abort();
    },
  };
}

/**
 * Waits, but no longer than until the browser reports that it is online again.
 *
 * @param {number} milliseconds
 * @returns {Promise<void>}
 */
function pause(milliseconds) {
  return new Promise((resolve) => {
    const timer = setTimeout(done, milliseconds);
    function done() {
      clearTimeout(timer);
      removeEventListener("online", done);
      resolve();
    }
    addEventListener("online", done);
  });
}
