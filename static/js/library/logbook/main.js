/* Draws the curves of a logbook. Dragging over one, or following an entry's link, loads that range
   of the page in place. Without this script, tables and links do the same. */

import { wireCopy } from "../../copy.js";
import { Chart } from "./chart.js";

/** @import { Metric } from "./chart.js" */

const root = /** @type {HTMLElement} */ (document.querySelector("[data-logbook]"));
/** @type {Chart[]} */
let charts = [];
/* Only the last of several loads is shown. */
let loads = 0;

/** @returns {HTMLElement[]} */
function listEntries() {
  return [...document.querySelectorAll("[data-x]")].map((entry) => /** @type {HTMLElement} */ (entry));
}

/** @param {number} place */
function write(place) {
  return root.dataset.axis === "time" ? new Date(place * 1000).toISOString() : String(Math.round(place));
}

/**
 * @param {number} from
 * @param {number} to
 */
function select(from, to) {
  const address = new URL(location.href);
  address.searchParams.delete("page");
  address.searchParams.set("x", root.dataset.axis ?? "");
  address.searchParams.set("start", write(from));
  address.searchParams.set("end", write(to));
  go(address);
}

/** @param {URL} address */
function go(address) {
  history.pushState(null, "", address);
  load();
}

/** Take the parts that depend on the range from the page at the present address. */
async function load() {
  const mine = ++loads;
  root.setAttribute("aria-busy", "true");
  try {
    const response = await fetch(location.href);
    const text = await response.text();
    if (mine !== loads) return;
    const page = new DOMParser().parseFromString(text, "text/html");
    root.dataset.axis = /** @type {HTMLElement} */ (page.querySelector("[data-logbook]")).dataset.axis;
    for (const old of document.querySelectorAll("[data-swap], [data-filters]")) {
      const name = old.getAttribute("data-swap");
      const fresh = page.querySelector(name ? `[data-swap="${name}"]` : "[data-filters]");
      if (fresh) old.replaceChildren(...fresh.childNodes);
    }
    for (const button of document.querySelectorAll("[data-swap] [data-copy]"))
      wireCopy(/** @type {Parameters<typeof wireCopy>[0]} */ (button));
    // The link that was followed is no longer there.
    if (document.activeElement === document.body)
      /** @type {HTMLElement} */ (document.querySelector("#entries-heading")).focus({ preventScroll: true });
    await draw();
  } catch {
    // The page itself says what is wrong, or the browser that there is no connection.
    location.reload();
  } finally {
    root.removeAttribute("aria-busy");
  }
}

async function draw() {
  for (const chart of charts) chart.destroy();
  charts = [];
  const places = new Map(
    [...document.querySelectorAll("[data-curve]")].map((place) => [place.getAttribute("data-curve"), place]),
  );
  if (places.size === 0) return;
  const response = await fetch(root.dataset.curves + location.search);
  if (!response.ok) return;
  /** @type {{ metrics: Metric[] }} */
  const { metrics } = await response.json();
  const marks = listEntries().map((entry) => Number(entry.dataset.x));
  const isTime = root.dataset.axis === "time";
  for (const metric of metrics) {
    const place = /** @type {HTMLElement | undefined} */ (places.get(metric.name));
    if (place?.isConnected) charts.push(new Chart(place, metric, { isTime, marks, onSelect: select }));
  }
}

document.addEventListener("click", (event) => {
  const link = event.target instanceof Element ? event.target.closest("a[data-zoom]") : null;
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  go(new URL(/** @type {HTMLAnchorElement} */ (link).href));
});
addEventListener("popstate", load);

const redraw = () => charts.forEach((chart) => chart.redraw());
new MutationObserver(redraw).observe(document.documentElement, { attributeFilter: ["data-theme"] });
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
// The page may be left before the curves are here.
draw().catch(() => null);
