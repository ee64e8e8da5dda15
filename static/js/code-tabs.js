/* Turns code samples that do the same thing into tabs; without script all of them are shown. */

/** @typedef {HTMLElement & { dataset: { tab: string } }} Panel */

/** @param {HTMLElement} container */
export function makeTabs(container) {
  const panels = [
    .../** @type {NodeListOf<Panel>} */ (container.querySelectorAll("[data-tab]")),
  ];
  if (panels.length < 2) return;
  const list = document.createElement("div");
  list.className = "tabs code-tabs";
  list.setAttribute("role", "tablist");
  list.setAttribute("aria-label", /** @type {string} */ (container.dataset.tabs));
  const tabs = panels.map((panel) => makeTab(panel, () => choose(panel)));
  list.append(...tabs);
  container.prepend(list);

  /** @param {Panel} chosen */
  function choose(chosen) {
    panels.forEach((panel, place) => {
      panel.hidden = panel !== chosen;
      tabs[place].setAttribute("aria-selected", String(panel === chosen));
      tabs[place].tabIndex = panel === chosen ? 0 : -1;
    });
  }

  list.addEventListener("keydown", (event) => {
    const step = /** @type {Record<string, number>} */ ({
      ArrowRight: 1,
      ArrowLeft: -1,
    })[event.key];
    if (!step) return;
    event.preventDefault();
    const place =
      (tabs.indexOf(/** @type {HTMLButtonElement} */ (document.activeElement)) +
        step +
        tabs.length) %
      tabs.length;
    choose(panels[place]);
    tabs[place].focus();
  });
  choose(panels[0]);
}

/**
 * @param {Panel} panel
 * @param {() => void} onChoose
 */
function makeTab(panel, onChoose) {
  const pre = /** @type {HTMLPreElement} */ (panel.querySelector("pre"));
  const tab = document.createElement("button");
  tab.type = "button";
  tab.id = `${pre.id}-tab`;
  tab.textContent = panel.dataset.tab;
  tab.setAttribute("role", "tab");
  panel.id = `${pre.id}-panel`;
  panel.setAttribute("role", "tabpanel");
  panel.setAttribute("aria-labelledby", tab.id);
  tab.setAttribute("aria-controls", panel.id);
  tab.addEventListener("click", onChoose);
  return tab;
}

for (const container of document.querySelectorAll("[data-tabs]"))
  makeTabs(/** @type {HTMLElement} */ (container));
