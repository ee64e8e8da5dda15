/* Server-Sent Events over fetch, which unlike EventSource shows a 401 and lets us time silence. */

const SILENCE_MS = 25_000;
const PAUSES_MS = [300, 1000, 2000, 4000];
export const TERMINAL = new Set(["done", "failed", "cancelled"]);

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

/**
 * Opens the events at `url`. Without a stream, the server refused with `status`; throws if it cannot
 * answer now.
 *
 * @param {string} url
 * @param {AbortController} request
 * @param {string} [lastId]
 * @returns {Promise<{ stream: EventStream | null, status: number }>}
 */
export async function openEvents(url, request, lastId = "") {
  /** @type {Record<string, string>} */
  const headers = { Accept: "text/event-stream" };
  if (lastId) headers["Last-Event-ID"] = lastId;
  const response = await fetch(url, {
    headers,
    cache: "no-store",
    redirect: "error",
    signal: request.signal,
  });
  const { ok, status } = response;
  if (status >= 500) throw new Error("the server failed");
  return { stream: ok ? new EventStream(response, request) : null, status };
}

/**
 * Whether the entry id `one` comes before `other`; the empty one is before all.
 *
 * @param {string} one
 * @param {string} other
 */
export function isBefore(one, other) {
  const [time, count = 0] = one.split("-").map(Number);
  const [otherTime, otherCount = 0] = other.split("-").map(Number);
  return time < otherTime || (time === otherTime && count < otherCount);
}

/**
 * Waits before the next attempt, but no longer than until the browser reports that it is online again.
 *
 * @param {number} failures
 * @returns {Promise<void>}
 */
export function pause(failures) {
  return new Promise((resolve) => {
    const timer = setTimeout(done, PAUSES_MS[Math.min(failures, PAUSES_MS.length - 1)]);
    function done() {
      clearTimeout(timer);
      removeEventListener("online", done);
      resolve();
    }
    addEventListener("online", done);
  });
}
