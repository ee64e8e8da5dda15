/* One run at a time: submit it, follow it, stop it. */

import { post } from "./api.js";
import { Silence } from "./silence.js";
import { about, duration, ordinal } from "./status.js";
import { EventStream, followRun } from "./stream.js";

/** @import { Answer, Fields, Refused } from "./api.js" */
/** @import { Sheet } from "./sheet.js" */
/** @import { State, Status } from "./status.js" */
/** @import { Follower } from "./following/tab.js" */
/** @import { Tokens } from "./tokens/readings.js" */
/** @import { TokenView } from "./tokens/view.js" */

/**
 * A run that was accepted.
 * @typedef {{ id: string, url: string, events_url: string, stop_url: string, notes_url: string }} Links
 *
 * @typedef {object} Place
 * @property {number} position
 * @property {number | null} estimate_seconds
 * @property {string} engine
 * @property {string} message
 *
 * @typedef {{ prompt_tokens: number | null }} Start
 * @typedef {Tokens & { offset: number, text: string }} Delta
 * @typedef {Tokens & { text: string, scored: Tokens | null }} Snapshot
 *
 * @typedef {object} End
 * @property {string} message
 * @property {{ prompt_tokens: number, completion_tokens: number }} [usage]
 */

/** @type {Record<string, State>} */
const ENDS = { done: "succeeded", failed: "failed", cancelled: "cancelled" };
const UNSURE = {
  code: "unreachable",
  message: "The connection broke while the run was accepted. Check the history of your runs for it.",
};
/* Tokens that arrive together on a reload say nothing about speed. */
const CATCH_UP_MS = 400;

export class Run {
  /**
   * @param {object} parts
   * @param {Sheet} parts.sheet
   * @param {Status} parts.status
   * @param {TokenView} parts.view
   * @param {(state: State) => void} parts.onChange
   * @param {(tokens: number) => void} parts.onTokens
   */
  constructor({ sheet, view, status, onChange, onTokens }) {
    this.sheet = sheet;
    this.view = view;
    this.status = status;
    this.onChange = onChange;
    this.onTokens = onTokens;
    /** @type {State} */
    this.state = "idle";
    /** @type {Follower | null} */
    this.follower = null;
    this.silence = new Silence((message) => this.showSilence(message));
  }

  get isActive() {
    return ["submitting", "queued", "running", "stopping"].includes(this.state);
  }

  get isWriting() {
    return ["running", "stopping"].includes(this.state);
  }

  /**
   * Submit a run. Returns { ok, body } and, if the server sends its events, their `stream`.
   *
   * @param {string} url
   * @param {Fields} fields
   * @returns {Promise<
   *   { ok: true, body: Links, stream?: EventStream } |
   *   { ok: false, body: Refused, stream?: undefined }
   * >}
   */
  async submit(url, fields) {
    const request = new AbortController();
    const accept = "application/json, text/event-stream";
    const answer = /** @type {Answer<Links>} */ (
      await post(url, fields, { accept, signal: request.signal })
    );
    if (!answer.response) return answer;
    const stream = new EventStream(answer.response, request);
    try {
      return { ok: true, body: JSON.parse((await stream.next()).data), stream };
    } catch {
      return { ok: false, body: { error: UNSURE } };
    }
  }

  /**
   * Follow a run that exists. Its completion begins at `promptLength`; `stream` is the open stream
   * of its events, if there is one.
   *
   * @param {object} run
   * @param {string} run.url
   * @param {string} run.eventsUrl
   * @param {string} run.stopUrl
   * @param {number} run.promptLength
   * @param {string} run.model
   * @param {number | null} [run.submittedAt]
   * @param {EventStream | null} [run.stream]
   */
  follow({ url, eventsUrl, stopUrl, promptLength, model, submittedAt = null, stream = null }) {
    /** @type {string} */
    this.stopUrl = stopUrl;
    /** @type {number} */
    this.tokens = 0;
    /** @type {number | null} */
    this.promptTokens = null;
    /** @type {number | null} */
    this.firstAt = null;
    /** @type {{ at: number, tokens: number } | null} */
    this.measured = null;
    this.isPlaced = false;
    this.isSilent = false;
    /** @type {number} */
    this.followedAt = performance.now();
    /** @type {number | null} */
    this.submittedAt = submittedAt;
    this.sheet.beginCompletion(promptLength);
    this.view.begin(promptLength, model, url);
    const handlers = {
      /** @type {(name: string, data: unknown) => void} */
      onEvent: (name, data) => {
        this.silence.hear();
        this.take(name, data);
      },
      onInterrupted: () =>
        this.status.show(this.state, {
          message: "The connection is lost. Reconnecting; the run continues.",
        }),
      /** @type {(code: number) => void} */
      onRefused: (code) => this.lose(code),
    };
    this.silence.start();
    this.follower = followRun(eventsUrl, handlers, stream);
  }

  async stop() {
    if (!["queued", "running"].includes(this.state)) return;
    this.setState("stopping");
    this.status.show("stopping", { message: "Asking the engine to stop." });
    this.status.announce("Stopping.");
    const answer = await post(this.stopUrl, {});
    if (!answer.ok && this.isActive) {
      this.setState("running");
      this.status.show("running", { message: answer.body.error.message });
      this.status.announce(answer.body.error.message);
    }
  }

  /** @param {State} state */
  setState(state) {
    this.state = state;
    this.onChange(state);
  }

  /**
   * @param {string} name
   * @param {unknown} data One of the shapes above.
   */
  take(name, data) {
    switch (name) {
      case "state":
        return this.takePlace(/** @type {Place} */ (data));
      case "started":
        return this.takeStart(/** @type {Start} */ (data));
      case "delta":
        return this.takeDelta(/** @type {Delta} */ (data));
      case "silent":
        return this.showSilence(/** @type {{ message: string }} */ (data).message);
      case "scored":
        return this.view.readPrompt(/** @type {Tokens} */ (data));
      case "snapshot":
        this.tokens = /** @type {Snapshot} */ (data).token_ids.length;
        this.sheet.setCompletion(/** @type {Snapshot} */ (data).text);
        this.view.readAll(/** @type {Snapshot} */ (data));
        return this.showTokens();
      default:
        return name in ENDS ? this.takeEnd(name, /** @type {End} */ (data)) : undefined;
    }
  }

  /** @param {Place} place */
  takePlace({ position, estimate_seconds: estimate, engine, message }) {
    if (this.state === "stopping") return;
    const isNew = !this.isPlaced || this.state !== "queued";
    this.isPlaced = true;
    if (this.state !== "queued") this.setState("queued");
    const isReady = engine === "ready";
    const parts = [ordinal(position)];
    if (isReady && estimate !== null) parts.push(about(estimate));
    const detail = parts.join(" · ");
    this.status.show("queued", { detail, message });
    const words = `Queued, ${parts.join(", ")}. ${message}`;
    if (isNew) this.status.announce(words);
    else this.status.murmur(words);
  }

  /** @param {Start} start */
  takeStart({ prompt_tokens: promptTokens }) {
    this.promptTokens = promptTokens;
    if (this.state === "stopping") return;
    if (this.state !== "running") {
      this.setState("running");
      this.status.show("running");
      this.status.announce("Started.");
    }
    this.showTokens();
  }

  /** @param {Delta} delta */
  takeDelta(delta) {
    const { offset, text, token_ids: ids } = delta;
    if (offset > this.tokens) {
      // An event is missing: read the whole stream again.
      this.tokens = 0;
      this.sheet.setCompletion("");
      this.view.begin(this.sheet.start, this.view.model, this.view.url);
      /** @type {Follower} */ (this.follower).restart();
      return;
    }
    if (offset < this.tokens) return;
    if (this.state === "queued" || this.state === "idle") this.takeStart({ prompt_tokens: this.promptTokens });
    if (this.isSilent) this.status.show("running");
    this.isSilent = false;
    if (this.firstAt === null && ids.length > 0) this.takeFirst();
    this.tokens += ids.length;
    this.sheet.appendCompletion(text);
    this.view.read(delta);
    this.showTokens();
  }

  /** @param {string} message */
  showSilence(message) {
    if (this.state !== "running") return;
    this.isSilent = true;
    this.measured = null;
    this.status.show("running", { message });
    this.status.murmur(message);
  }

  takeFirst() {
    this.firstAt = performance.now();
    if (this.submittedAt !== null) {
      this.status.showFact("first", duration(this.firstAt - this.submittedAt));
    }
  }

  /**
   * @param {string} name
   * @param {End} data
   */
  takeEnd(name, data) {
    const state = ENDS[name];
    if (data.usage) {
      this.promptTokens = data.usage.prompt_tokens;
      this.tokens = data.usage.completion_tokens;
      this.showTokens();
    }
    this.finish(state, data.message);
    const words = /** @type {Record<string, string>} */ ({
      succeeded: "Finished",
      cancelled: "",
      failed: "Failed",
    })[state];
    const count = state === "succeeded" ? `, ${this.tokens} tokens` : "";
    this.status.announce(`${words}${count}${words ? ". " : ""}${data.message}`);
  }

  /**
   * @param {State} state
   * @param {string} message
   */
  finish(state, message) {
    this.follower = null;
    this.silence.stop();
    this.setState(state);
    this.status.showEnd(state, message);
    this.sheet.unlock();
  }

  /**
   * The server refused the stream: the user signed out, or the run was deleted elsewhere.
   *
   * @param {number} code
   */
  lose(code) {
    const message =
      code === 401
        ? "You are signed out. Sign in again and reload this page; the run continues."
        : "This run no longer exists. Its text stays on this page until you leave.";
    this.finish("failed", message);
    this.status.announce(message);
  }

  showTokens() {
    const input = this.promptTokens ?? "–";
    this.status.showFact("tokens", `${input} in, ${this.tokens} out`);
    if (this.promptTokens !== null) this.onTokens(this.promptTokens + this.tokens);
    const speed = this.measureSpeed();
    if (!speed) return;
    this.status.showFact("speed", speed);
    if (this.state === "running") {
      this.status.show("running", { detail: speed });
      this.status.murmur(`${this.tokens} tokens so far.`);
    }
  }

  /** Tokens per second since the stream caught up with the model; empty until that is known. */
  measureSpeed() {
    const now = performance.now();
    if (this.measured === null) {
      const isCaughtUp = this.tokens > 0 && now - this.followedAt > CATCH_UP_MS;
      if (isCaughtUp) this.measured = { at: now, tokens: this.tokens };
      return "";
    }
    const seconds = (now - this.measured.at) / 1000;
    if (seconds < 0.3) return "";
    return `${((this.tokens - this.measured.tokens) / seconds).toFixed(1)} tok/s`;
  }
}
