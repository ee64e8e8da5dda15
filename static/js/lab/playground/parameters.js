/* Parameters: a slider beside each number, reset buttons, and a summary for phones. */

/** @import { WorkbenchForm } from "./main.js" */

/** @typedef {HTMLElement & { dataset: { parameter: string, default: string } }} RowElement */

export class Parameters {
  /** @param {WorkbenchForm} form */
  constructor(form) {
    this.form = form;
    this.panel = form.querySelector("[data-parameters]");
    this.model = /** @type {HTMLSelectElement} */ (form.querySelector("[data-model]"));
    this.samplers = /** @type {HTMLDetailsElement} */ (form.querySelector("[data-samplers]"));
    this.digest = /** @type {Element} */ (form.querySelector("[data-digest]"));
    this.rows = [
      .../** @type {NodeListOf<RowElement>} */ (form.querySelectorAll("[data-parameter]")),
    ].map((row) => this.wire(row));
    /** @type {(name: string) => void} */
    this.onChange = () => {};
    /** After every change, also by a preset. */
    this.onShow = () => {};
    const all = /** @type {HTMLElement} */ (form.querySelector("[data-reset-all]"));
    all.hidden = false;
    all.addEventListener("click", () => {
      for (const row of this.rows) row.set(row.initial);
      this.changed();
    });
    this.model.addEventListener("change", () => this.changed());
    this.show();
    this.unfold();
  }

  /** Nothing that changes a run is hidden at first. */
  unfold() {
    if (this.rows.some((row) => row.isRare && !row.isInitial())) this.samplers.open = true;
  }

  /** @param {RowElement} element */
  wire(element) {
    const name = element.dataset.parameter;
    const input = /** @type {HTMLInputElement} */ (element.querySelector(`[name="${name}"]`));
    /** @type {HTMLInputElement | null} */
    const slider = element.querySelector("[data-slider]");
    const reset = /** @type {HTMLElement} */ (element.querySelector("[data-reset]"));
    const initial = element.dataset.default;
    const isRare = this.samplers.contains(element);
    const isInitial = () =>
      input.value === initial ||
      sameNumber(input.value, initial) ||
      // An empty sampler has no effect.
      (isRare && input.value === "");
    const show = () => {
      if (slider) slider.value = input.value;
      reset.hidden = isInitial();
    };
    /** @param {string} value */
    const set = (value) => {
      input.value = value;
      show();
    };
    input.addEventListener("input", () => {
      show();
      this.changed(name);
    });
    reset.addEventListener("click", () => {
      set(initial);
      input.focus();
      this.changed(name);
    });
    if (slider) {
      slider.addEventListener("input", () => {
        set(slider.value);
        this.changed(name);
      });
    }
    return { name, input, initial, isInitial, isRare, set, show };
  }

  changed(name = "") {
    this.show();
    this.onChange(name);
  }

  show() {
    for (const row of this.rows) row.show();
    /** @param {string} name */
    const value = (name) => this.form.elements[name].value || "–";
    const model = this.model.selectedOptions[0]?.textContent ?? "";
    this.digest.textContent = `${model} · ${value("max_tokens")} tokens · temperature ${value("temperature")}`;
    this.onShow();
  }

  /** The values as typed. */
  read() {
    /** @type {Record<string, string>} */
    const values = { model: this.model.value };
    for (const row of this.rows) values[row.name] = row.input.value;
    return values;
  }

  /** @param {Record<string, string>} values */
  write(values) {
    const options = [...this.model.options].map((option) => option.value);
    if (options.includes(values.model)) this.model.value = values.model;
    for (const row of this.rows) {
      if (typeof values[row.name] === "string") row.set(values[row.name]);
    }
    this.unfold();
    this.changed();
  }
}

/**
 * @param {string} one
 * @param {string} other
 */
function sameNumber(one, other) {
  return one !== "" && other !== "" && Number(one) === Number(other);
}
