/* Refreshes the operations page every few seconds while it is visible. */

/** @typedef {HTMLElement & { dataset: { live: string, liveSeconds: string } }} Live */

const live = /** @type {Live} */ (document.querySelector("[data-live]"));
const state = /** @type {Element} */ (document.querySelector("[data-live-state]"));
const pause = /** @type {HTMLElement} */ (document.querySelector("[data-live-pause]"));
const milliseconds = Number(live.dataset.liveSeconds) * 1000;
let isPaused = false;

async function renew() {
  // Replacing a table would remove the reader's focus in it.
  if (isPaused || document.hidden || live.contains(document.activeElement)) return;
  try {
    const response = await fetch(live.dataset.live, { redirect: "error" });
    if (!response.ok) throw new Error("refused");
    const page = new DOMParser().parseFromString(await response.text(), "text/html");
    live.replaceChildren(...page.body.childNodes);
    state.textContent = `Refreshed every ${live.dataset.liveSeconds} s.`;
  } catch {
    state.textContent = "Not refreshed: the site does not respond, or you are signed out.";
  }
}

pause.hidden = false;
pause.addEventListener("click", () => {
  isPaused = !isPaused;
  pause.textContent = isPaused ? "Resume" : "Pause";
  state.textContent = isPaused ? "Paused." : `Refreshed every ${live.dataset.liveSeconds} s.`;
});
state.textContent = `Refreshed every ${live.dataset.liveSeconds} s.`;
setInterval(renew, milliseconds);
