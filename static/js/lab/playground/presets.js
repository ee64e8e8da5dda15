/* Presets: a list that fills the parameters, and saving the present ones under a name. */

import { post } from "./api.js";

/** @import { Answer, Refused } from "./api.js" */
/** @import { WorkbenchForm } from "./main.js" */
/** @import { Parameters } from "./parameters.js" */

/** @typedef {{ id: string, label: string, values: string }} Saved */

const OWN = "Yours";

export class Presets {
  /**
   * @param {WorkbenchForm} form
   * @param {{ parameters: Parameters, onRefused: (body: Refused) => void }} parts
   */
  constructor(form, { parameters, onRefused }) {
    this.parameters = parameters;
    this.select = /** @type {HTMLSelectElement} */ (form.querySelector("[data-preset]"));
    this.box = /** @type {HTMLDetailsElement} */ (form.querySelector("[data-preset-save]"));
    this.name = form.elements.preset_name;
    this.replaces = form.elements.replace_preset;
    this.saved = /** @type {Element} */ (form.querySelector("[data-preset-saved]"));
    const button = /** @type {HTMLButtonElement} */ (form.querySelector("[data-save-preset]"));
    this.select.addEventListener("change", () => this.apply());
    button.addEventListener("click", (event) => {
      event.preventDefault();
      this.save(button.formAction, onRefused);
    });
    this.name.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.ctrlKey || event.metaKey) return;
      event.preventDefault();
      button.click();
    });
    // A kept draft has its own parameters; those of the address win.
    if (this.select.dataset.wanted) {
      this.select.value = this.select.dataset.wanted;
      this.apply();
    }
    parameters.onShow = () => this.show();
    this.show();
  }

  /** Fill the fields with the chosen preset; "None" changes nothing. */
  apply() {
    const option = this.select.selectedOptions[0];
    if (option?.value) this.parameters.write(readValues(option));
  }

  /** Name the preset whose values the fields have, the chosen one rather than another. */
  show() {
    const current = this.parameters.read();
    /** @param {HTMLOptionElement | undefined} option */
    const fits = (option) => Boolean(option?.value) && isPart(readValues(option), current);
    if (fits(this.select.selectedOptions[0])) return;
    this.select.value = [...this.select.options].find(fits)?.value ?? "";
  }

  /**
   * @param {string} url
   * @param {(body: Refused) => void} onRefused
   */
  async save(url, onRefused) {
    this.saved.textContent = "";
    /** @type {Record<string, string>} */
    const fields = { ...this.parameters.read(), preset_name: this.name.value };
    if (this.replaces.checked) fields.replace_preset = "1";
    const { ok, body } = /** @type {Answer<Saved>} */ (await post(url, fields));
    if (!ok) {
      onRefused(body);
      return;
    }
    this.add(body);
    this.name.value = "";
    this.replaces.checked = false;
    this.saved.textContent = `Saved as ${body.label}.`;
  }

  /** @param {Saved} saved */
  add({ id, label, values }) {
    const groups = [...this.select.querySelectorAll("optgroup")];
    let group = groups.find((each) => each.label === OWN);
    if (!group) {
      group = document.createElement("optgroup");
      group.label = OWN;
      this.select.append(group);
    }
    let option = [...this.select.options].find((each) => each.value === id);
    if (!option) {
      option = document.createElement("option");
      option.value = id;
      group.append(option);
    }
    option.textContent = label;
    option.dataset.values = values;
    this.select.value = id;
  }
}

/**
 * @param {HTMLOptionElement | undefined} option
 * @returns {Record<string, string>}
 */
function readValues(option) {
  return JSON.parse(option?.dataset.values ?? "{}");
}

/**
 * Whether every field of the preset has its value.
 *
 * @param {Record<string, string>} preset
 * @param {Record<string, string>} current
 */
function isPart(preset, current) {
  return Object.entries(preset).every(
    ([name, value]) => current[name] === undefined || isSame(current[name], value),
  );
}

/**
 * @param {string} one
 * @param {string} other
 */
function isSame(one, other) {
  return one === other || (one !== "" && other !== "" && Number(one) === Number(other));
}
