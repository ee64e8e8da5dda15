/* Connects the playground's parts. */

import { CodeDialog } from "./code.js";
import { Draft } from "./draft.js";
import { Errors } from "./errors.js";
import { Parameters } from "./parameters.js";
import { Presets } from "./presets.js";
import { Run } from "./run.js";
import { Sheet } from "./sheet.js";
import { Status } from "./status.js";
import { TokenCount } from "./count.js";
import { TokenView } from "./tokens/view.js";

/** @import { NextStep, Refused } from "./api.js" */
/** @import { Kept } from "./draft.js" */
/** @import { State } from "./status.js" */
/** @import { Choice } from "./tokens/inspector.js" */

/**
 * The last three exist only on a run's page.
 * @typedef {HTMLFormElement & {
 *   elements: HTMLFormControlsCollection & Record<string, HTMLInputElement>,
 *   dataset: {
 *     user: string, editorUrl: string, editorTitle: string, tokensUrl: string,
 *     state: State, eventsUrl: string, stopUrl: string,
 *   },
 * }} WorkbenchForm
 */

const APPLE = /Mac|iPhone|iPad/.test(navigator.platform);

class Workbench {
  /** @param {WorkbenchForm} form */
  constructor(form) {
    this.form = form;
    this.runId = form.dataset.run ?? null;
    this.sheet = new Sheet(form);
    this.parameters = new Parameters(form);
    this.status = new Status(form);
    this.errors = new Errors(form);
    // Whether this page shows the draft. A run that is only viewed is not a draft.
    this.isDraft = this.runId === null;
    this.draft = new Draft(form.dataset.user, { onForgotten: () => (this.isDraft = false) });
    this.tokens = new TokenCount(form, {
      url: form.dataset.tokensUrl,
      sheet: this.sheet,
      parameters: this.parameters,
    });
    this.code = new CodeDialog(form, {
      read: () => ({ ...this.parameters.read(), prompt: this.sheet.text }),
      onRefused: (body) => this.refuse(body),
    });
    this.view = new TokenView(form, {
      sheet: this.sheet,
      onPick: (choice) => this.pick(choice),
    });
    this.run = new Run({
      sheet: this.sheet,
      view: this.view,
      status: this.status,
      onChange: (state) => this.showState(state),
      onTokens: (tokens) => this.tokens.follow(tokens),
    });
    this.wire();
    this.restore();
    this.presets = new Presets(form, {
      parameters: this.parameters,
      onRefused: (body) => this.refuse(body),
    });
    this.showButton();
    this.edited();
  }

  wire() {
    const { form } = this;
    this.sheet.onEdit = () => this.edited("prompt");
    this.parameters.onChange = (name) => this.edited(name || "parameters");
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      if (this.run.isActive) this.run.stop();
      else this.submit(event.submitter?.hasAttribute("data-score") ? { only_score: "1" } : {});
    });
    document.addEventListener("keydown", (event) => this.pressKey(event));
    /** @type {Element} */ (
      form.querySelector("[data-undo-completion]")
    ).addEventListener("click", () => {
      this.sheet.removeCompletion();
    });
    /** @type {Element} */ (form.querySelector("[data-trim]")).addEventListener("click", () => {
      this.sheet.setText(this.sheet.text.trimEnd(), this.sheet.ranges);
      this.sheet.field.focus();
      this.edited("prompt");
    });
    /** @type {Element} */ (form.querySelector("[data-clear]")).addEventListener("click", () => {
      this.sheet.setText("");
      this.sheet.field.focus();
      this.edited("prompt");
    });
    /** @type {Element} */ (
      document.querySelector("[data-new]")
    ).addEventListener("click", () => {
      this.draft.saveNow(() => ({ run: null, text: "", ranges: [], values: this.parameters.read() }));
      this.isLeaving = true;
    });
    addEventListener("pagehide", () => {
      // The server keeps an active run; it needs no draft.
      if (!this.isLeaving && this.isDraft && !this.run.isActive) {
        this.draft.saveNow(() => this.describeDraft());
      }
    });
    addEventListener("popstate", () => location.reload());
  }

  /** A run's page shows the run; the editor shows the text it was given, or else the draft. */
  restore() {
    const { dataset } = this.form;
    const draft = this.draft.read();
    if (this.runId === null) {
      const isGiven = "bound" in dataset || "copied" in dataset;
      if (draft && !isGiven) this.showDraft(draft);
      return;
    }
    this.run.state = dataset.state;
    if (["queued", "running"].includes(dataset.state)) {
      // The submitted text is the draft, unless a newer draft was begun meanwhile.
      this.isDraft = draft?.run === this.runId;
      this.run.follow({
        eventsUrl: dataset.eventsUrl,
        stopUrl: dataset.stopUrl,
        promptLength: this.sheet.text.length,
        model: this.parameters.model.value,
      });
      return;
    }
    const promptLength = Number(dataset.promptLength);
    if ("logprobs" in dataset) {
      this.view.load(dataset.eventsUrl, { promptLength, model: this.parameters.model.value });
    }
    if (this.sheet.text.length > promptLength) {
      this.sheet.setText(this.sheet.text, [[promptLength, this.sheet.text.length]]);
    }
    const isAnother = Boolean(draft?.text) && /** @type {Kept} */ (draft).text !== this.sheet.text;
    /** @type {HTMLElement} */ (document.querySelector("[data-draft-offer]")).hidden = !isAnother;
  }

  /** @param {Kept} draft */
  showDraft({ text, ranges, values }) {
    this.sheet.setText(text, ranges);
    this.parameters.write(values ?? {});
  }

  /** After an edit, the document is no longer the run's: from here on it is the draft. */
  leaveRun() {
    if (this.run.isActive) return;
    this.isDraft = true;
    if (this.runId === null) return;
    this.runId = null;
    this.run.setState("idle");
    this.status.show("idle");
    this.status.clearFacts();
    history.pushState({}, "", this.form.dataset.editorUrl);
    document.title = this.form.dataset.editorTitle;
    /** @type {HTMLElement} */ (document.querySelector("[data-draft-offer]")).hidden = true;
  }

  /** @param {KeyboardEvent} event */
  pressKey(event) {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      if (!this.run.isActive) this.submit();
    } else if (event.key === "Escape" && this.run.isActive) {
      event.preventDefault();
      this.run.stop();
    }
  }

  /** @param {Record<string, string>} [more] Fields besides the parameters. */
  async submit(more = {}) {
    if (this.run.isActive) return;
    this.errors.clear();
    this.status.clearFacts();
    this.run.setState("submitting");
    this.status.show("submitting");
    this.sheet.lock();
    const submittedAt = performance.now();
    /** @type {Record<string, string>} */
    const fields = { ...this.parameters.read(), prompt: this.sheet.text, ...more };
    const { ok, body, stream } = await this.run.submit(this.form.action, fields);
    if (!ok) {
      this.sheet.unlock();
      this.run.setState("idle");
      this.status.show("idle", { message: "Not run." });
      this.errors.show(this.withSignIn(body));
      return;
    }
    this.runId = body.id;
    this.isDraft = true;
    this.draft.saveNow(() => this.describeDraft());
    history.pushState({}, "", body.url);
    /** @type {HTMLElement} */ (document.querySelector("[data-new]")).hidden = false;
    this.status.showRun(body.id, body.url);
    this.run.setState("queued");
    this.status.show("queued");
    this.run.follow({
      eventsUrl: body.events_url,
      stopUrl: body.stop_url,
      promptLength: this.sheet.text.length,
      model: fields.model,
      submittedAt,
      stream,
    });
  }

  /**
   * Another token than the model's own: the document continues from there.
   *
   * @param {Choice} choice
   */
  pick({ reading, text }) {
    if (this.run.isActive) return;
    const { start } = reading;
    const ranges = this.sheet.ranges.filter(([from]) => from < start);
    const last = ranges.at(-1);
    if (last) last[1] = Math.min(last[1], start);
    this.sheet.setText(this.sheet.text.slice(0, start) + text, ranges);
    this.edited("prompt");
    this.submit();
  }

  /** @param {Refused} body */
  refuse(body) {
    this.errors.show(this.withSignIn(body));
  }

  /**
   * After an expired session, signing in leads back to this page.
   *
   * @param {Refused} body
   */
  withSignIn(body) {
    if (body.error?.code === "not_signed_in") {
      const back = encodeURIComponent(location.pathname);
      /** @type {NextStep} */ (body.error.next_step).url += `?next=${back}`;
    }
    if (this.isDraft) this.draft.saveNow(() => this.describeDraft());
    return body;
  }

  /** @param {State} state */
  showState(state) {
    this.showButton();
    if (state !== "idle") this.edited();
  }

  showButton() {
    const button = /** @type {HTMLButtonElement} */ (
      this.form.querySelector("[data-run-button]")
    );
    const key = /** @type {HTMLElement} */ (button.querySelector("[data-run-key]"));
    const isActive = this.run.isActive;
    this.form.toggleAttribute("data-active", isActive);
    /** @type {Element} */ (button.querySelector("[data-run-label]")).textContent = isActive
      ? "Stop"
      : "Run";
    button.disabled = this.run.state === "submitting" || this.run.state === "stopping";
    button.classList.toggle("button--primary", !isActive);
    button.classList.toggle("runbar__button--stop", isActive);
    button.setAttribute("aria-keyshortcuts", isActive ? "Escape" : "Control+Enter Meta+Enter");
    key.textContent = isActive ? "Esc" : APPLE ? "⌘↵" : "Ctrl ↵";
    key.hidden = false;
  }

  edited(name = "") {
    if (name) {
      this.errors.clearField(name);
      this.leaveRun();
    }
    const text = this.sheet.text;
    const last = this.sheet.ranges.at(-1);
    const isFree = !this.run.isActive;
    /**
     * @param {string} selector
     * @param {boolean} isShown
     */
    const show = (selector, isShown) => {
      /** @type {HTMLElement} */ (this.form.querySelector(selector)).hidden = !isShown;
    };
    show("[data-space-hint]", isFree && /[ \t]$/.test(text));
    show("[data-undo-completion]", isFree && Boolean(last));
    show("[data-clear]", isFree && text !== "");
    for (const notice of /** @type {NodeListOf<HTMLElement>} */ (
      this.form.querySelectorAll("[data-model-notice]")
    )) {
      notice.hidden = notice.dataset.modelNotice !== this.parameters.model.value;
    }
    if (!this.run.isWriting) this.tokens.follow(null);
    this.tokens.ask();
    if (isFree && this.isDraft) this.draft.save(() => this.describeDraft());
  }

  /** @returns {Kept} */
  describeDraft() {
    return {
      run: this.runId,
      text: this.sheet.text,
      ranges: this.sheet.ranges,
      values: this.parameters.read(),
    };
  }
}

const form = /** @type {WorkbenchForm | null} */ (document.querySelector("[data-workbench]"));
if (form) new Workbench(form);
