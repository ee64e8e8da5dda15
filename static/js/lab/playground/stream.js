/* Server-Sent Events over fetch: unlike EventSource it sees a 401, and it can be watched. */

const SILENCE_MS = 25_000;
const PAUSES_MS = [300, 1000, 2000, 4000];
const TERMINAL = new Set(["done", "failed", "cancelled"]);

/** Splits what arrives into { id, event, data }; half a message waits for its other half. */
export class EventParser {
  constructor() {
    this.rest = "";
  }

  push(chunk) {
    const blocks = (this.rest + chunk).split("\n\n");
    this.rest = blocks.pop();
    return blocks.map(parseBlock).filter((message) => message.data !== "");
  }
}

function parseBlock(block) {
  const message = { id: "", event: "message", data: "" };
  for (const line of block.split("\n")) {
    const colon = line.indexOf(":");
    if (colon < 1) continue;
    const name = line.slice(0, colon);
    const value = line.slice(colon + 1).replace(/^ /, "");
    if (name === "data") message.data += message.data ? `\n${value}` : value;
    else if (name in message) message[name] = value;
  }
  return message;
}

/** One connection's messages, in order. */
export class EventStream {
  /** `request` is the AbortController that the response was fetched with. */
  constructor(response, request) {
    this.request = request;
    this.reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    this.parser = new EventParser();
    this.waiting = [];
  }

  /** The next message; throws when the connection is lost or silent for too long. */
  async next() {
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
    return this.waiting.shift();
  }

  close() {
    this.request.abort();
  }
}

/**
 * Follows a run to its end, through lost connections. `opened` is an EventStream that already
 * brings its events. `handlers`: onEvent(name, data), onInterrupted(), onRefused(status).
 * Returns { close(), restart() }.
 */
export function followRun(url, handlers, opened = null) {
  let lastId = "";
  let failures = 0;
  let isClosed = false;
  let request = opened?.request ?? new AbortController();

  async function open() {
    const headers = { Accept: "text/event-stream" };
    if (lastId) headers["Last-Event-ID"] = lastId;
    const response = await fetch(url, {
      headers,
      cache: "no-store",
      redirect: "error",
      signal: request.signal,
    });
    if (response.ok) return new EventStream(response, request);
    if (response.status >= 500) throw new Error("the server is not well");
    isClosed = true;
    handlers.onRefused(response.status);
    return null;
  }

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

  async function run(first) {
    let stream = first;
    while (!isClosed) {
      try {
        stream ??= await open();
        await read(stream);
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

/** Waits, but not longer than until the browser says that it is back on line. */
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
