/* Renews the operator's page every few seconds while somebody looks at it. */

/** @typedef {HTMLElement & { dataset: { live: string, liveSeconds: string } }} Live */

const live = /** @type {Live} */ (document.querySelector("[data-live]"));
const state = /** @type {Element} */ (document.querySelector("[data-live-state]"));
const pause = /** @type {HTMLElement} */ (document.querySelector("[data-live-pause]"));
const milliseconds = Number(live.dataset.liveSeconds) * 1000;
let isPaused = false;

async function renew() {
  // Replacing a table under somebody's selection or focus would take it away.
  if (isPaused || document.hidden || live.contains(document.activeElement)) return;
  try {
    const response = await fetch(live.dataset.live, { redirect: "error" });
    if (!response.ok) throw new Error("refused");
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    live.replaceChildren(...page.body.childNodes);
    state.textContent = `Renewed every ${live.dataset.liveSeconds} s.`;
  } catch {
    state.textContent = "Not renewed: the site does not answer, or you are signed out.";
  }
}

pause.hidden = false;
pause.addEventListener("click", () => {
  isPaused = !isPaused;
  pause.textContent = isPaused ? "Go on" : "Pause";
  state.textContent = isPaused ? "Paused." : `Renewed every ${live.dataset.liveSeconds} s.`;
});
state.textContent = `Renewed every ${live.dataset.liveSeconds} s.`;
setInterval(renew, milliseconds);
