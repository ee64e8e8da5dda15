// The theme button: auto, light, dark, and round again. The server reads the cookie,
// so that the next page is painted right at once.

const ORDER = ["auto", "light", "dark"];
const LABELS = { auto: "Theme: as the system", light: "Theme: light", dark: "Theme: dark" };
const YEAR = 365 * 24 * 60 * 60;

function currentTheme() {
  return document.documentElement.dataset.theme ?? "auto";
}

function applyTheme(theme) {
  if (theme === "auto") {
    delete document.documentElement.dataset.theme;
  } else {
    document.documentElement.dataset.theme = theme;
  }
  document.querySelector('meta[name="color-scheme"]').content =
    theme === "auto" ? "light dark" : theme;
  document.cookie = `theme=${theme}; Path=/; Max-Age=${YEAR}; SameSite=Lax`;
}

function describe(button) {
  button.setAttribute("aria-label", LABELS[currentTheme()]);
  button.title = LABELS[currentTheme()];
}

for (const button of document.querySelectorAll("[data-theme-button]")) {
  describe(button);
  button.addEventListener("click", () => {
    applyTheme(ORDER[(ORDER.indexOf(currentTheme()) + 1) % ORDER.length]);
    describe(button);
  });
}
