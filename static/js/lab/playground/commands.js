/* The palette of commands and the list of keys, both from the page's own buttons and links. */

import { splitKeys } from "./keys.js";

const APPLE = /Mac|iPhone|iPad/.test(navigator.platform);
const CLICKED = "a, button, label, summary";
const TYPED = "input, textarea, select, [contenteditable]";

/** @typedef {HTMLElement & { dataset: { command: string } }} CommandElement */

/** Every element that is a command. It can be given while it is shown and not disabled. */
function listCommands() {
  return /** @type {CommandElement[]} */ ([...document.querySelectorAll("[data-command]")]);
}

/** @param {HTMLElement} element */
function isPossible(element) {
  return element.checkVisibility() && !element.matches(":disabled");
}

/** @param {HTMLElement} element */
function give(element) {
  if (element.matches(CLICKED)) element.click();
  else element.focus();
}

/** @param {HTMLElement} element */
function drawKeys(element) {
  const keys = document.createElement("span");
  keys.append(
    ...splitKeys(element.getAttribute("aria-keyshortcuts") ?? "", APPLE).map((name) => {
      const key = document.createElement("kbd");
      key.textContent = name;
      return key;
    }),
  );
  return keys;
}

class Palette {
  /** @param {HTMLDialogElement} dialog */
  constructor(dialog) {
    this.dialog = dialog;
    this.words = /** @type {HTMLInputElement} */ (dialog.querySelector("[data-palette-words]"));
    this.list = /** @type {HTMLElement} */ (dialog.querySelector("[data-palette-list]"));
    this.none = /** @type {HTMLElement} */ (dialog.querySelector("[data-palette-none]"));
    /** @type {CommandElement[]} */
    this.all = [];
    /** @type {CommandElement[]} */
    this.found = [];
    this.at = 0;
    this.words.addEventListener("input", () => this.find());
    this.words.addEventListener("keydown", (event) => this.pressKey(event));
    this.list.addEventListener("click", ({ target }) => {
      const option = /** @type {Element} */ (target).closest("[role=option]");
      if (option) this.choose([...this.list.children].indexOf(option));
    });
  }

  open() {
    // What can be done is looked up before the dialog makes all else inert. The run comes first.
    const rank = (/** @type {Element} */ element) => Number(!element.closest("[data-runbar]"));
    this.all = listCommands().filter(isPossible).sort((one, other) => rank(one) - rank(other));
    this.words.value = "";
    this.find();
    this.dialog.showModal();
  }

  find() {
    const words = this.words.value.toLowerCase().split(/\s+/);
    this.found = this.all.filter(({ dataset: { command } }) =>
      words.every((word) => command.toLowerCase().includes(word)),
    );
    this.list.replaceChildren(...this.found.map((element, place) => this.draw(element, place)));
    this.none.textContent = this.found.length > 0 ? "" : "No command has these words.";
    this.select(0);
  }

  /**
   * @param {CommandElement} element
   * @param {number} place
   */
  draw(element, place) {
    const option = document.createElement("li");
    option.id = `palette-${place}`;
    option.role = "option";
    option.append(element.dataset.command, drawKeys(element));
    return option;
  }

  /** @param {number} place */
  select(place) {
    this.at = place;
    const options = [...this.list.children];
    for (const [index, option] of options.entries()) option.ariaSelected = String(index === place);
    options[place]?.scrollIntoView({ block: "nearest" });
    if (options[place]) this.words.setAttribute("aria-activedescendant", options[place].id);
    else this.words.removeAttribute("aria-activedescendant");
  }

  /** @param {KeyboardEvent} event */
  pressKey(event) {
    const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    const count = this.found.length;
    if (step !== undefined && count > 0) this.select((this.at + step + count) % count);
    else if (event.key === "Enter") this.choose(this.at);
    else return;
    event.preventDefault();
  }

  /** @param {number} place */
  choose(place) {
    const element = this.found[place];
    if (!element) return;
    this.dialog.close();
    give(element);
  }
}

/** @param {HTMLDialogElement} dialog */
function showKeys(dialog) {
  const rows = listCommands()
    .filter((element) => !["Escape", null].includes(element.getAttribute("aria-keyshortcuts")))
    .map((element) => {
      const row = document.createElement("tr");
      const name = document.createElement("th");
      name.scope = "row";
      name.textContent = element.dataset.command;
      row.append(name, document.createElement("td"));
      row.cells[1].append(drawKeys(element));
      return row;
    });
  /** @type {HTMLElement} */ (dialog.querySelector("[data-keys-here]")).replaceChildren(...rows);
  dialog.showModal();
}

const palette = /** @type {HTMLDialogElement | null} */ (document.querySelector("[data-palette]"));
const keys = /** @type {HTMLDialogElement | null} */ (document.querySelector("[data-keys]"));

/**
 * @param {HTMLDialogElement} commandDialog
 * @param {HTMLDialogElement} keyDialog
 */
function wire(commandDialog, keyDialog) {
  const commands = new Palette(commandDialog);
  for (const dialog of [commandDialog, keyDialog]) {
    // A run is neither started nor stopped from here.
    dialog.addEventListener("keydown", (event) => {
      if (event.key === "Enter" || event.key === "Escape") event.stopPropagation();
    });
    dialog.addEventListener("click", (event) => {
      if (event.target === dialog) dialog.close();
    });
  }
  document.addEventListener("keydown", (event) => {
    const isTyping = /** @type {Element} */ (event.target).matches(TYPED);
    const isMain = APPLE ? event.metaKey : event.ctrlKey;
    if (isMain && event.key.toLowerCase() === "k") {
      event.preventDefault();
      if (commandDialog.open) commandDialog.close();
      else if (!document.querySelector(":modal")) commands.open();
    } else if (event.key === "?" && !isTyping && !document.querySelector(":modal")) {
      event.preventDefault();
      showKeys(keyDialog);
    }
  });
  document.querySelector("[data-keys-open]")?.addEventListener("click", () => showKeys(keyDialog));
  keyDialog.addEventListener("click", ({ target }) => {
    const button = /** @type {Element} */ (target).closest("[data-keys-close], [data-palette-open]");
    if (!button) return;
    keyDialog.close();
    if (button.matches("[data-palette-open]")) commands.open();
  });
}

if (palette && keys) wire(palette, keys);
