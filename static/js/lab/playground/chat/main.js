/* A conversation with a model: its messages, the prompt that they become, and the run that answers. */

import { Draft } from "../draft.js";
import { Errors } from "../errors.js";
import { Parameters } from "../parameters.js";
import { Presets } from "../presets.js";
import { Run } from "../run.js";
import { showRunButton } from "../run-button.js";
import { Status } from "../status.js";
import { Answer, NO_VIEW } from "./answer.js";
import { Preview } from "./preview.js";
import { fieldOf, Turns } from "./turns.js";

/** @import { NextStep, Refused } from "../api.js" */
/** @import { WorkbenchForm } from "../main.js" */
/** @import { Links } from "../run.js" */
/** @import { State } from "../status.js" */
/** @import { Turn } from "./turns.js" */

/** @typedef {WorkbenchForm & { dataset: { previewUrl: string } }} ChatForm */
/** @typedef {{ turns: Turn[], links: Links | null }} Conversation */

class Chat {
  /** @param {ChatForm} form */
  constructor(form) {
    this.form = form;
    this.turns = new Turns(form);
    this.parameters = new Parameters(form);
    this.status = new Status(form);
    this.errors = new Errors(form);
    /** The run that is under way. @type {Links | null} */
    this.links = null;
    this.isKept = true;
    this.draft = new Draft(form.dataset.user, {
      name: "chat",
      onForgotten: () => (this.isKept = false),
    });
    this.preview = new Preview(form, {
      url: form.dataset.previewUrl,
      read: () => this.readFields(),
    });
    this.run = new Run({
      sheet: new Answer(this.turns).sheet,
      view: NO_VIEW,
      status: this.status,
      onChange: (state) => this.showState(state),
      onTokens: () => {},
    });
    this.wire();
    this.restore();
    this.presets = new Presets(form, {
      parameters: this.parameters,
      onRefused: (body) => this.refuse(body),
    });
    showRunButton(form, this.run);
    this.edited();
  }

  wire() {
    this.turns.onChange = () => this.edited("messages");
    this.parameters.onChange = (name) => this.edited(name);
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      if (this.run.isActive) this.run.stop();
      else this.submit();
    });
    document.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && !this.run.isActive) {
        event.preventDefault();
        this.submit();
      } else if (event.key === "Escape" && this.run.isActive && !document.querySelector(":modal")) {
        event.preventDefault();
        this.run.stop();
      }
    });
    const clear = /** @type {HTMLElement} */ (this.form.querySelector("[data-clear]"));
    clear.hidden = false;
    clear.addEventListener("click", () => {
      if (this.run.isActive) return;
      this.turns.write([{ role: "user", content: "" }]);
      this.focusLast();
    });
    addEventListener("pagehide", () => this.keep((draft) => this.draft.saveNow(draft)));
  }

  /** The conversation that this tab had, and its run if that was under way. */
  restore() {
    const kept = this.draft.read();
    if ("posted" in this.form.dataset || !kept) return;
    const { turns, links } = /** @type {Conversation} */ (JSON.parse(kept.text));
    this.turns.write(turns);
    this.parameters.write(kept.values ?? {});
    if (links) this.follow(links);
  }

  async submit() {
    if (this.run.isActive) return;
    this.errors.clear();
    this.status.clearFacts();
    this.run.setState("submitting");
    this.status.show("submitting");
    const submittedAt = performance.now();
    const { ok, body, stream } = await this.run.submit(this.form.action, this.readFields());
    if (!ok) {
      this.run.setState("idle");
      this.status.show("idle", { message: "Not run." });
      this.refuse(body);
      return;
    }
    this.status.show("queued");
    this.follow(body, { submittedAt, stream });
    this.keep((draft) => this.draft.saveNow(draft));
  }

  /**
   * @param {Links} links
   * @param {{ submittedAt?: number, stream?: import("../stream.js").EventStream }} [opened]
   */
  follow(links, opened = {}) {
    this.links = links;
    this.status.showRun(links.id, links.url);
    this.run.setState("queued");
    this.run.follow({
      url: links.url,
      eventsUrl: links.events_url,
      stopUrl: links.stop_url,
      promptLength: 0,
      model: this.parameters.model.value,
      ...opened,
    });
  }

  /** @param {State} state */
  showState(state) {
    showRunButton(this.form, this.run);
    if (!["succeeded", "cancelled", "failed"].includes(state)) return;
    this.links = null;
    // The answer is unlocked after this, and then belongs to the conversation.
    queueMicrotask(() => {
      if (state === "succeeded") this.turns.add("user");
      else this.edited();
      this.focusLast();
    });
  }

  focusLast() {
    const last = this.turns.items.at(-1);
    if (last) fieldOf(last).focus();
  }

  edited(name = "") {
    if (name) this.errors.clearField(name);
    for (const notice of /** @type {NodeListOf<HTMLElement>} */ (
      this.form.querySelectorAll("[data-model-notice]")
    )) {
      notice.hidden = notice.dataset.modelNotice !== this.parameters.model.value;
    }
    if (!this.run.isActive) this.preview.ask();
    this.keep((draft) => this.draft.save(draft));
  }

  /** @returns {[string, string][]} */
  readFields() {
    return [
      ...Object.entries(this.parameters.read()),
      ...this.turns.read().flatMap(({ role, content }) => [
        /** @type {[string, string]} */ (["role", role]),
        /** @type {[string, string]} */ (["content", content]),
      ]),
    ];
  }

  /** @param {(describe: () => import("../draft.js").Kept) => void} save */
  keep(save) {
    if (!this.isKept) return;
    save(() => ({
      run: null,
      text: JSON.stringify({ turns: this.turns.read(), links: this.links }),
      ranges: [],
      values: this.parameters.read(),
    }));
  }

  /** @param {Refused} body */
  refuse(body) {
    if (body.error?.code === "not_signed_in") {
      /** @type {NextStep} */ (body.error.next_step).url +=
        `?next=${encodeURIComponent(location.pathname)}`;
    }
    this.errors.show(body);
  }
}

const form = /** @type {ChatForm | null} */ (document.querySelector("[data-chat]"));
if (form) new Chat(form);
