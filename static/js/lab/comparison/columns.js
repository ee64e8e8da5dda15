/* Runs side by side: their texts as they come, and scrolling together. */

import { followAll } from "./follow.js";

/** @import { Follower } from "../playground/stream.js" */
/** @import { Place } from "./follow.js" */

/** @typedef {{ text: string, token_ids: number[], offset?: number }} Text */

/** @type {Record<string, [string, string]>} Class and name of a state. */
const STATES = {
  state: ["queued", "Queued"],
  started: ["running", "Running"],
  delta: ["running", "Running"],
  snapshot: ["running", "Running"],
  done: ["succeeded", "Finished"],
  failed: ["failed", "Failed"],
  cancelled: ["cancelled", "Stopped"],
};

const root = /** @type {HTMLElement} */ (document.querySelector("[data-follow]"));
/** @type {WeakMap<Place, number>} */
const counts = new WeakMap();

/**
 * @param {ParentNode} place
 * @param {string} selector
 */
function find(place, selector) {
  return /** @type {HTMLElement} */ (place.querySelector(selector));
}

/**
 * @param {Place} place
 * @param {string} name
 * @param {unknown} data
 * @param {Follower} follower
 */
function take(place, name, data, follower) {
  if (!Object.hasOwn(STATES, name)) return;
  const [state, label] = STATES[name];
  const chip = find(place, "[data-chip]");
  chip.className = `chip chip--${state}`;
  chip.textContent = label;
  if (name === "delta") addText(place, /** @type {Text} */ (data), follower);
  else if (name === "snapshot") setText(place, /** @type {Text} */ (data));
  else find(place, "[data-message]").textContent = /** @type {{ message?: string }} */ (data).message ?? "";
}

/**
 * @param {Place} place
 * @param {Text} delta
 * @param {Follower} follower
 */
function addText(place, { offset, text, token_ids: ids }, follower) {
  const tokens = counts.get(place) ?? 0;
  if (offset === tokens) {
    find(place, "[data-text]").append(text);
    count(place, tokens + ids.length);
  } else if (/** @type {number} */ (offset) > tokens) {
    // An event is missing: read the whole stream again.
    setText(place, { text: "", token_ids: [] });
    follower.restart();
  }
}

/**
 * @param {Place} place
 * @param {Text} snapshot
 */
function setText(place, { text, token_ids: ids }) {
  find(place, "[data-text]").textContent = text;
  count(place, ids.length);
}

/**
 * @param {Place} place
 * @param {number} tokens
 */
function count(place, tokens) {
  counts.set(place, tokens);
  find(place, "[data-tokens]").textContent = tokens.toLocaleString("en");
}

/* On a phone the columns are one below the other, and nothing scrolls together. */
const isBeside = matchMedia("(min-width: 48.0625rem)");

function offerSync() {
  const button = find(root, "[data-sync]");
  button.hidden = false;
  button.addEventListener("click", () => {
    const isOn = button.getAttribute("aria-pressed") === "true";
    button.setAttribute("aria-pressed", String(!isOn));
  });
}

/** @type {WeakSet<EventTarget>} Columns whose next scroll event is of our own making. */
const echoes = new WeakSet();

/** @param {Event} event */
function scrollOthers(event) {
  const moved = /** @type {HTMLElement} */ (event.target);
  if (echoes.delete(moved) || !isBeside.matches || !moved.matches("[data-text]")) return;
  if (find(root, "[data-sync]").getAttribute("aria-pressed") !== "true") return;
  for (const other of /** @type {NodeListOf<HTMLElement>} */ (root.querySelectorAll("[data-text]"))) {
    const before = other.scrollTop;
    other.scrollTop = moved.scrollTop;
    // A shorter column stops earlier, and must not pull the others back.
    if (other.scrollTop !== before) echoes.add(other);
  }
}

offerSync();
// Scroll events do not bubble.
root.addEventListener("scroll", scrollOthers, { capture: true, passive: true });
followAll(root, {
  onEvent: take,
  onTrouble: (place, message) => {
    find(place, "[data-message]").textContent = message;
  },
  onReplaced: () => {
    offerSync();
    find(root, "[data-announce]").textContent = "All runs have ended.";
  },
});
