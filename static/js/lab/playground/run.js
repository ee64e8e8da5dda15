/* One run at a time: submit it, follow it, stop it. */

import { post } from "./api.js";
import { about, duration, ordinal } from "./status.js";
import { EventStream, followRun } from "./stream.js";

const ENDS = { done: "succeeded", failed: "failed", cancelled: "cancelled" };
const UNSURE = {
  code: "unreachable",
  message: "The connection broke while the run was accepted. Look under History whether it is there.",
};
/* Tokens that arrive together on a reload say nothing about speed. */
const CATCH_UP_MS = 400;

export class Run {
  constructor({ sheet, status, onChange, onTokens }) {
    this.sheet = sheet;
    this.status = status;
    this.onChange = onChange;
    this.onTokens = onTokens;
    this.state = "idle";
    this.follower = null;
  }

  get isActive() {
    return ["submitting", "queued", "running", "stopping"].includes(this.state);
  }

  get isWriting() {
    return ["running", "stopping"].includes(this.state);
  }

  /** Ask for a run; answers { ok, body }, and where it is accepted the `stream` of its events. */
  async submit(url, fields) {
    const request = new AbortController();
    const accept = "application/json, text/event-stream";
    const answer = await post(url, fields, { accept, signal: request.signal });
    if (!answer.response) return answer;
    const stream = new EventStream(answer.response, request);
    try {
      return { ok: true, body: JSON.parse((await stream.next()).data), stream };
    } catch {
      return { ok: false, body: { error: UNSURE } };
    }
  }

  /**
   * Follow a run that exists; `promptLength` is where its completion begins, and `stream` brings
   * its events where there is one already.
   */
  follow({ eventsUrl, stopUrl, promptLength, submittedAt = null, stream = null }) {
    this.stopUrl = stopUrl;
    this.tokens = 0;
    this.promptTokens = null;
    this.firstAt = null;
    this.measured = null;
    this.isPlaced = false;
    this.followedAt = performance.now();
    this.submittedAt = submittedAt;
    this.sheet.beginCompletion(promptLength);
    const handlers = {
      onEvent: (name, data) => this.take(name, data),
      onInterrupted: () =>
        this.status.show(this.state, {
          message: "The connection is lost. Trying again; the run goes on meanwhile.",
        }),
      onRefused: (code) => this.lose(code),
    };
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

  setState(state) {
    this.state = state;
    this.onChange(state);
  }

  take(name, data) {
    switch (name) {
      case "state":
        return this.takePlace(data);
      case "started":
        return this.takeStart(data);
      case "delta":
        return this.takeDelta(data);
      case "snapshot":
        this.tokens = data.token_ids.length;
        this.sheet.setCompletion(data.text);
        return this.showTokens();
      default:
        return name in ENDS ? this.takeEnd(name, data) : undefined;
    }
  }

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

  takeDelta({ offset, text, token_ids: ids }) {
    if (offset > this.tokens) {
      // Something is missing; the stream itself knows everything.
      this.tokens = 0;
      this.sheet.setCompletion("");
      this.follower.restart();
      return;
    }
    if (offset < this.tokens) return;
    if (this.state === "queued" || this.state === "idle") this.takeStart({ prompt_tokens: this.promptTokens });
    if (this.firstAt === null && ids.length > 0) this.takeFirst();
    this.tokens += ids.length;
    this.sheet.appendCompletion(text);
    this.showTokens();
  }

  takeFirst() {
    this.firstAt = performance.now();
    if (this.submittedAt !== null) {
      this.status.showFact("first", duration(this.firstAt - this.submittedAt));
    }
  }

  takeEnd(name, data) {
    const state = ENDS[name];
    if (data.usage) {
      this.promptTokens = data.usage.prompt_tokens;
      this.tokens = data.usage.completion_tokens;
      this.showTokens();
    }
    this.finish(state, data.message);
    const words = { succeeded: "Finished", cancelled: "", failed: "Failed" }[state];
    const count = state === "succeeded" ? `, ${this.tokens} tokens` : "";
    this.status.announce(`${words}${count}${words ? ". " : ""}${data.message}`);
  }

  finish(state, message) {
    this.follower = null;
    this.setState(state);
    this.status.showEnd(state, message);
    this.sheet.unlock();
  }

  /** The stream is not ours any more: signed out, or the run was deleted elsewhere. */
  lose(code) {
    const message =
      code === 401
        ? "You are signed out. Sign in again and reload this page; the run goes on."
        : "This run cannot be found any more. What you see stays here until you leave.";
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

  /** Tokens a second since the stream caught up with the model; empty until that is known. */
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
