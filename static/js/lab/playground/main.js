/* Connects the playground's parts. */

import { CodeDialog } from "./code.js";
import { Draft } from "./draft.js";
import { Errors } from "./errors.js";
import { Notes } from "./notes.js";
import { Parameters } from "./parameters.js";
import { Past } from "./past.js";
import { Presets } from "./presets.js";
import { Run } from "./run.js";
import { showRunButton } from "./run-button.js";
import { Sheet } from "./sheet.js";
import { Status } from "./status.js";
import { TokenCount } from "./count.js";
import { TokenView } from "./tokens/view.js";

/** @import { NextStep, Refused } from "./api.js" */
/** @import { Kept } from "./draft.js" */
/** @import { Ended, State as Moment } from "./journal.js" */
/** @import { State } from "./status.js" */
/** @import { Choice } from "./tokens/inspector.js" */

/**
 * The last three exist only on a run's page.
 * @typedef {HTMLFormElement & {
 *   elements: HTMLFormControlsCollection & Record<string, HTMLInputElement>,
 *   dataset: {
 *     user: string, editorUrl: string, editorTitle: string, tokensUrl: string,
 *     state: State, eventsUrl: string, stopUrl: string, notesUrl: string,
 *   },
 * }} WorkbenchForm
 */

class Workbench {
  /** @param {WorkbenchForm} form */
  constructor(form) {
    this.form = form;
    this.source = form.elements.source;
    this.runId = form.dataset.run ?? null;
    this.sheet = new Sheet(form);
    this.parameters = new Parameters(form);
    this.status = new Status(form);
    this.errors = new Errors(form);
    this.notes = new Notes();
    this.fromCursor = /** @type {HTMLButtonElement} */ (
      form.querySelector("[data-run-from-cursor]")
    );
    this.clear = /** @type {HTMLButtonElement} */ (form.querySelector("[data-clear]"));
    /** The run whose end the document is. @type {Ended | null} */
    this.ended = null;
    /** The run under way, or the last one. @type {Ended | undefined} */
    this.following = undefined;
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
    this.past = new Past(form, {
      first: this.readFirst(),
      read: () => this.readMoment(),
      onMove: (moment) => this.showMoment(moment),
      isFree: () => !this.run.isActive,
    });
    showRunButton(form, this.run);
    this.edited();
  }

  wire() {
    const { form } = this;
    this.sheet.onEdit = () => this.edited("prompt", { isTyped: true });
    this.parameters.onChange = (name) => this.edited(name || "parameters");
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      if (this.run.isActive) this.run.stop();
      else this.submit(event.submitter?.hasAttribute("data-score") ? { only_score: "1" } : {});
    });
    document.addEventListener("keydown", (event) => this.pressKey(event));
    this.fromCursor.addEventListener("click", () => this.runFromCursor());
    document.addEventListener("selectionchange", () => this.showCursor());
    /** @type {Element} */ (form.querySelector("[data-trim]")).addEventListener("click", () => {
      this.sheet.setText(this.sheet.text.trimEnd(), this.sheet.ranges);
      this.sheet.field.focus();
      this.edited("prompt");
    });
    this.clear.addEventListener("click", () => {
      this.sheet.setText("");
      this.sheet.field.focus();
      this.edited("prompt");
    });
    /** @type {Element} */ (
      document.querySelector("[data-new]")
    ).addEventListener("click", () => {
      this.draft.saveNow(() => ({ run: null, text: "", ranges: [], source: "", values: this.parameters.read() }));
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
    const { eventsUrl, notesUrl } = dataset;
    const promptLength = Number(dataset.promptLength);
    const model = this.parameters.model.value;
    const run = { id: this.runId, url: location.pathname, eventsUrl, notesUrl, promptLength, model };
    this.run.state = dataset.state;
    if (["queued", "running"].includes(dataset.state)) {
      // The submitted text is the draft, unless a newer draft was begun meanwhile.
      this.isDraft = draft?.run === this.runId;
      this.following = run;
      this.run.follow({ ...run, stopUrl: dataset.stopUrl });
      return;
    }
    this.ended = run;
    if ("logprobs" in dataset) this.view.load(run);
    if (this.sheet.text.length > promptLength) {
      this.sheet.setText(this.sheet.text, [[promptLength, this.sheet.text.length]]);
    }
    const isAnother = Boolean(draft?.text) && /** @type {Kept} */ (draft).text !== this.sheet.text;
    /** @type {HTMLElement} */ (document.querySelector("[data-draft-offer]")).hidden = !isAnother;
  }

  /** @param {Kept} draft */
  showDraft({ text, ranges, values, source }) {
    this.sheet.setText(text, ranges);
    this.source.value = source ?? "";
    this.parameters.write(values ?? {});
  }

  /** After an edit, the document is no longer the run's: from here on it is the draft. */
  leaveRun() {
    if (this.run.isActive) return;
    this.isDraft = true;
    this.ended = null;
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
      if (event.shiftKey) this.runFromCursor();
      else this.submit();
    } else if (event.key === "Escape" && this.run.isActive && !document.querySelector(":modal")) {
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
    const fields = {
      ...this.parameters.read(),
      source: this.source.value,
      prompt: this.sheet.text,
      ...more,
    };
    const { ok, body, stream } = await this.run.submit(this.form.action, fields);
    if (!ok) {
      this.sheet.unlock();
      this.run.setState("idle");
      this.status.show("idle", { message: "Not run." });
      this.errors.show(this.withSignIn(body));
      return;
    }
    if (!("id" in body)) {
      // Samples, which have a page of their own.
      location.assign(/** @type {{ url: string }} */ (body).url);
      return;
    }
    this.runId = body.id;
    this.source.value = body.id;
    this.following = {
      id: body.id,
      url: body.url,
      eventsUrl: body.events_url,
      notesUrl: body.notes_url,
      promptLength: this.sheet.text.length,
      model: fields.model,
    };
    this.isDraft = true;
    this.draft.saveNow(() => this.describeDraft());
    history.pushState({}, "", body.url);
    /** @type {HTMLElement} */ (document.querySelector("[data-new]")).hidden = false;
    this.status.showRun(body.id, body.url);
    this.run.setState("queued");
    this.status.show("queued");
    this.run.follow({
      stopUrl: body.stop_url,
      ...this.following,
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
    this.continueFrom(reading.start, text);
  }

  runFromCursor() {
    this.continueFrom(this.sheet.field.selectionStart);
  }

  /**
   * Run the document up to `start`, and there `text`; what followed can be had back by undoing.
   *
   * @param {number} start
   * @param {string} [text]
   */
  continueFrom(start, text = "") {
    if (this.run.isActive) return;
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

  /** What undoing leads back to: of a run that is viewed, its prompt. */
  readFirst() {
    const moment = this.readMoment();
    if (!this.ended) return moment;
    const text = moment.text.slice(0, this.ended.promptLength);
    return { ...moment, text, ranges: [], run: null };
  }

  /** @returns {Moment} */
  readMoment() {
    const { text, ranges } = this.sheet;
    return { text, ranges, source: this.source.value, run: this.ended };
  }

  /** @param {Moment} moment */
  showMoment({ text, ranges, source, run }) {
    this.leaveRun();
    this.sheet.setText(text, ranges);
    this.source.value = source;
    if (run) {
      this.runId = run.id;
      this.ended = run;
      history.pushState({}, "", run.url);
      this.status.showRun(run.id, run.url);
      this.view.load(run);
      this.notes.show(run.notesUrl);
    }
    this.edited();
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
    showRunButton(this.form, this.run);
    if (state !== "idle") this.edited();
    if (!["succeeded", "cancelled", "failed"].includes(state) || !this.following) return;
    this.ended = this.following;
    this.past.note();
    this.notes.show(this.ended.notesUrl);
  }

  /**
   * @param {string} [name] Of the field; empty if only the page has changed.
   * @param {{ isTyped?: boolean }} [how]
   */
  edited(name = "", how = {}) {
    if (name) {
      this.errors.clearField(name);
      this.leaveRun();
    }
    if (name === "prompt") this.past.note(how);
    this.showCursor();
    const text = this.sheet.text;
    const isFree = !this.run.isActive;
    /**
     * @param {string} selector
     * @param {boolean} isShown
     */
    const show = (selector, isShown) => {
      /** @type {HTMLElement} */ (this.form.querySelector(selector)).hidden = !isShown;
    };
    show("[data-space-hint]", isFree && /[ \t]$/.test(text));
    this.clear.disabled = !isFree || text === "";
    this.past?.showButtons();
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
      source: this.source.value,
      values: this.parameters.read(),
    };
  }

  showCursor() {
    const { selectionStart } = this.sheet.field;
    const isInside = selectionStart > 0 && selectionStart < this.sheet.text.length;
    this.fromCursor.disabled = this.run.isActive || !isInside;
  }
}

const form = /** @type {WorkbenchForm | null} */ (document.querySelector("[data-workbench]"));
if (form) new Workbench(form);
