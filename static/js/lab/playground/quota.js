/* What is left of the day's tokens, and a warning before a run that needs more. */

/** @typedef {{ tokens: number, left: number }} Left */

/** @param {number} value */
const number = (value) => value.toLocaleString("en-GB");

export class Quota {
  /** @param {HTMLFormElement} form */
  constructor(form) {
    this.line = /** @type {Element} */ (document.querySelector("[data-quota]"));
    this.warning = /** @type {HTMLElement} */ (form.querySelector("[data-quota-warning]"));
  }

  /**
   * @param {Left} quota
   * @param {number} needed The most tokens that a run would need now.
   */
  show({ tokens, left }, needed) {
    this.line.textContent = `${number(left)} of ${number(tokens)} daily tokens left`;
    this.warning.hidden = needed <= left;
    this.warning.textContent = `This run may need ${number(needed)} tokens, and ${number(left)} are left. Lower max tokens or shorten the prompt.`;
  }
}
