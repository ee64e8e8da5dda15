/* The messages of a conversation: a list of fields that is added to, sorted and thinned out. */

/** @typedef {{ role: string, content: string }} Turn */

export class Turns {
  /** @param {HTMLFormElement} form */
  constructor(form) {
    this.list = /** @type {HTMLElement} */ (form.querySelector("[data-turns]"));
    this.template = /** @type {HTMLTemplateElement} */ (
      form.querySelector("[data-turn-template]")
    );
    this.onChange = () => {};
    this.list.addEventListener("input", () => this.onChange());
    form.addEventListener("click", (event) => this.press(event));
    this.number();
  }

  get items() {
    return /** @type {HTMLElement[]} */ ([...this.list.children]);
  }

  /** Do here what the buttons would ask the server for. @param {MouseEvent} event */
  press(event) {
    /** @type {HTMLButtonElement | null} */
    const button = /** @type {Element} */ (event.target).closest("button[name=edit]");
    if (!button) return;
    event.preventDefault();
    /** @type {HTMLElement | null} */
    const item = button.closest("[data-turn]");
    const [edit] = button.value.split(":");
    if (edit === "add") {
      fieldOf(this.add(this.nextRole())).focus();
    } else if (edit === "remove") {
      const next = item?.nextElementSibling ?? item?.previousElementSibling;
      item?.remove();
      if (next) fieldOf(/** @type {HTMLElement} */ (next)).focus();
    } else {
      if (edit === "up") item?.previousElementSibling?.before(item);
      else item?.nextElementSibling?.after(item);
      button.focus();
    }
    this.changed();
  }

  /** Who speaks after the messages so far. */
  nextRole() {
    const last = this.read().at(-1);
    return last?.role === "user" ? "assistant" : "user";
  }

  /**
   * @param {string} role
   * @param {string} [content]
   */
  add(role, content = "") {
    const item = /** @type {HTMLElement} */ (
      /** @type {Element} */ (this.template.content.firstElementChild).cloneNode(true)
    );
    /** @type {HTMLSelectElement} */ (item.querySelector("[name=role]")).value = role;
    fieldOf(item).value = content;
    this.list.append(item);
    this.changed();
    return item;
  }

  /** The messages, without one that is still being written. */
  read() {
    return this.items
      .filter((item) => !fieldOf(item).readOnly)
      .map((item) => ({
        role: /** @type {HTMLSelectElement} */ (item.querySelector("[name=role]")).value,
        content: fieldOf(item).value,
      }));
  }

  /** @param {Turn[]} turns */
  write(turns) {
    this.list.replaceChildren();
    for (const { role, content } of turns) this.add(role, content);
  }

  changed() {
    this.number();
    this.onChange();
  }

  number() {
    this.items.forEach((item, place) => {
      fieldOf(item).setAttribute("aria-label", `Message ${place + 1}`);
      /** @type {Element} */ (item.querySelector("[name=role]")).setAttribute(
        "aria-label",
        `Author of message ${place + 1}`,
      );
    });
  }
}

/**
 * @param {HTMLElement} item
 * @returns {HTMLTextAreaElement}
 */
export function fieldOf(item) {
  return /** @type {HTMLTextAreaElement} */ (item.querySelector("[name=content]"));
}
