/* The request as code, in a dialog. Without scripts the button opens a page with the same code. */

import { makeTabs } from "../../code-tabs.js";
import { wireCopy } from "../../copy.js";
import { post } from "./api.js";

/** @import { Answer, Refused } from "./api.js" */
/** @import { CopyButton } from "../../copy.js" */
/** @import { WorkbenchForm } from "./main.js" */

/** @typedef {{ label: string, code: string, note: string }} Snippet */

export class CodeDialog {
  /**
   * @param {WorkbenchForm} form
   * @param {object} parts
   * @param {() => Record<string, string>} parts.read
   * @param {(body: Refused) => void} parts.onRefused
   */
  constructor(form, { read, onRefused }) {
    this.dialog = /** @type {HTMLDialogElement} */ (
      document.querySelector("[data-code-dialog]")
    );
    this.panels = /** @type {HTMLElement} */ (this.dialog.querySelector("[data-code-panels]"));
    this.template = /** @type {HTMLTemplateElement} */ (
      this.dialog.querySelector("[data-code-panel]")
    );
    const button = /** @type {HTMLButtonElement} */ (form.querySelector("[data-code]"));
    button.addEventListener("click", async (event) => {
      event.preventDefault();
      const { ok, body } = /** @type {Answer<{ snippets: Snippet[] }>} */ (
        await post(button.formAction, read())
      );
      if (ok) this.show(body.snippets);
      else onRefused(body);
    });
    /** @type {Element} */ (
      this.dialog.querySelector("[data-code-close]")
    ).addEventListener("click", () => {
      this.dialog.close();
    });
  }

  /** @param {Snippet[]} snippets */
  show(snippets) {
    this.panels.dataset.tabs = "Client";
    this.panels.replaceChildren(...snippets.map((snippet) => this.draw(snippet)));
    makeTabs(this.panels);
    this.dialog.showModal();
    for (const button of this.panels.querySelectorAll("[data-copy]"))
      wireCopy(/** @type {CopyButton} */ (button));
  }

  /**
   * Sets text only, so that no part of the prompt becomes markup.
   *
   * @param {Snippet} snippet
   */
  draw({ label, code, note }) {
    const panel = /** @type {HTMLElement} */ (
      /** @type {Element} */ (this.template.content.firstElementChild).cloneNode(true)
    );
    const pre = /** @type {HTMLPreElement} */ (panel.querySelector("pre"));
    panel.dataset.tab = label;
    pre.id = `code-${label}`;
    pre.textContent = code;
    pre.setAttribute("aria-label", label);
    /** @type {Element} */ (panel.querySelector(".code__label")).textContent = label;
    /** @type {HTMLElement} */ (panel.querySelector("[data-copy]")).dataset.copy = `#${pre.id}`;
    const line = /** @type {HTMLElement} */ (panel.querySelector("[data-code-note]"));
    line.textContent = note;
    line.hidden = !note;
    return panel;
  }
}
