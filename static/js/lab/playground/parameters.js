/* Parameters: a slider for the hand beside each number, reset, and a digest for phones. */

export class Parameters {
  constructor(form) {
    this.form = form;
    this.panel = form.querySelector("[data-parameters]");
    this.model = form.querySelector("[data-model]");
    this.digest = form.querySelector("[data-digest]");
    this.rows = [...form.querySelectorAll("[data-parameter]")].map((row) => this.wire(row));
    this.onChange = () => {};
    const all = form.querySelector("[data-reset-all]");
    all.hidden = false;
    all.addEventListener("click", () => {
      for (const row of this.rows) row.set(row.initial);
      this.changed();
    });
    this.model.addEventListener("change", () => this.changed());
    this.show();
  }

  wire(element) {
    const name = element.dataset.parameter;
    const input = element.querySelector(`[name="${name}"]`);
    const slider = element.querySelector("[data-slider]");
    const reset = element.querySelector("[data-reset]");
    const initial = element.dataset.default;
    const show = () => {
      if (slider) slider.value = input.value;
      reset.hidden = input.value === initial || sameNumber(input.value, initial);
    };
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
    return { name, input, initial, set, show };
  }

  changed(name = "") {
    this.show();
    this.onChange(name);
  }

  show() {
    for (const row of this.rows) row.show();
    const value = (name) => this.form.elements[name].value || "–";
    const model = this.model.selectedOptions[0]?.textContent ?? "";
    this.digest.textContent = `${model} · ${value("max_tokens")} tokens · temperature ${value("temperature")}`;
  }

  /** As typed, to be kept. */
  read() {
    const values = { model: this.model.value };
    for (const row of this.rows) values[row.name] = row.input.value;
    return values;
  }

  write(values) {
    const options = [...this.model.options].map((option) => option.value);
    if (options.includes(values.model)) this.model.value = values.model;
    for (const row of this.rows) {
      if (typeof values[row.name] === "string") row.set(values[row.name]);
    }
    this.changed();
  }
}

function sameNumber(one, other) {
  return one !== "" && other !== "" && Number(one) === Number(other);
}
