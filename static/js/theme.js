// The theme button: auto, light, dark, then auto again. The server reads the cookie,
// so that the next page has the right theme from its first paint.

/** @type {Theme[]} */
const ORDER = ["auto", "light", "dark"];
const LABELS = { auto: "Theme: same as the system", light: "Theme: light", dark: "Theme: dark" };
const YEAR = 365 * 24 * 60 * 60;

/** @typedef {keyof typeof LABELS} Theme */

function currentTheme() {
  return /** @type {Theme} */ (document.documentElement.dataset.theme ?? "auto");
}

/** @param {Theme} theme */
function applyTheme(theme) {
  if (theme === "auto") {
    delete document.documentElement.dataset.theme;
  } else {
    document.documentElement.dataset.theme = theme;
  }
  /** @type {HTMLMetaElement} */ (document.querySelector('meta[name="color-scheme"]')).content =
    theme === "auto" ? "light dark" : theme;
  document.cookie = `theme=${theme}; Path=/; Max-Age=${YEAR}; SameSite=Lax`;
}

/** @param {HTMLElement} button */
function describe(button) {
  button.setAttribute("aria-label", LABELS[currentTheme()]);
  button.title = LABELS[currentTheme()];
}

for (const button of /** @type {NodeListOf<HTMLElement>} */ (
  document.querySelectorAll("[data-theme-button]")
)) {
  describe(button);
  button.addEventListener("click", () => {
    applyTheme(ORDER[(ORDER.indexOf(currentTheme()) + 1) % ORDER.length]);
    describe(button);
  });
}
