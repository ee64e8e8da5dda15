/* The request as code, in a dialog; without script the button leads to a page of the same. */

import { makeTabs } from "../../code-tabs.js";
import { wireCopy } from "../../copy.js";
import { post } from "./api.js";

export class CodeDialog {
  constructor(form, { read, onRefused }) {
    this.dialog = document.querySelector("[data-code-dialog]");
    this.panels = this.dialog.querySelector("[data-code-panels]");
    this.template = this.dialog.querySelector("[data-code-panel]");
    const button = form.querySelector("[data-code]");
    button.addEventListener("click", async (event) => {
      event.preventDefault();
      const { ok, body } = await post(button.formAction, read());
      if (ok) this.show(body.snippets);
      else onRefused(body);
    });
    this.dialog.querySelector("[data-code-close]").addEventListener("click", () => {
      this.dialog.close();
    });
  }

  show(snippets) {
    this.panels.dataset.tabs = "Client";
    this.panels.replaceChildren(...snippets.map((snippet) => this.draw(snippet)));
    makeTabs(this.panels);
    this.dialog.showModal();
    for (const button of this.panels.querySelectorAll("[data-copy]")) wireCopy(button);
  }

  /** Texts only: nothing of the prompt is ever markup. */
  draw({ label, code, note }) {
    const panel = this.template.content.firstElementChild.cloneNode(true);
    const pre = panel.querySelector("pre");
    panel.dataset.tab = label;
    pre.id = `code-${label}`;
    pre.textContent = code;
    pre.setAttribute("aria-label", label);
    panel.querySelector(".code__label").textContent = label;
    panel.querySelector("[data-copy]").dataset.copy = `#${pre.id}`;
    const line = panel.querySelector("[data-code-note]");
    line.textContent = note;
    line.hidden = !note;
    return panel;
  }
}
