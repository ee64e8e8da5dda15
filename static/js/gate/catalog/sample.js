/* The sample run: a token that is chosen by pointer, touch or keys shows its alternatives. */

/** @param {HTMLElement} sample */
function wireSample(sample) {
  const tokens = /** @type {HTMLElement[]} */ ([...sample.querySelectorAll("[data-sample-token]")]);
  const facts = document.querySelectorAll("[data-sample-facts]");
  const panel = /** @type {HTMLElement} */ (sample.querySelector("[data-sample-panel]"));

  /** @param {number} index */
  function choose(index) {
    for (const [place, token] of tokens.entries()) {
      token.toggleAttribute("data-sample-chosen", place === index);
      token.ariaPressed = String(place === index);
      // One stop for the tab key; arrows move between the tokens.
      token.tabIndex = place === index ? 0 : -1;
    }
    panel.replaceChildren(...[...facts[index].children].map((part) => part.cloneNode(true)));
  }

  for (const [index, token] of tokens.entries()) {
    token.role = "button";
    // Blanks have a name only as they are written there.
    token.ariaLabel = facts[index].querySelector("code")?.textContent ?? "";
    for (const event of ["pointerenter", "focus", "click"]) {
      token.addEventListener(event, () => choose(index));
    }
    token.addEventListener("keydown", ({ key }) => {
      const step = { ArrowLeft: -1, ArrowRight: 1 }[key];
      if (step) tokens[index + step]?.focus();
    });
  }
  choose(tokens.findIndex((token) => token.hasAttribute("data-sample-chosen")));
}

for (const sample of document.querySelectorAll("[data-sample]"))
  wireSample(/** @type {HTMLElement} */ (sample));
