// Draws each table of weeks as a chart above it. Without this script, only the tables are shown.

import uPlot from "../../../vendored/uplot/uPlot.esm.js";

const HEIGHT = 240;
// Padding around each point, so that a single week has a width; uPlot would show three years.
const HALF_A_WEEK = (7 * 86400) / 2;
const INKS = ["--accent", "--info", "--danger", "--warning"];
const DASHES = [[], [7, 4], [2, 3], [10, 3, 2, 3]];

/** @typedef {HTMLElement & { dataset: { chart: string, unit: string } }} Place */

// A canvas cannot read CSS variables, and their colours depend on the colour scheme.
/**
 * @param {HTMLElement} element
 * @param {string} variable
 */
function resolveColour(element, variable) {
  element.style.color = `var(${variable})`;
  const colour = getComputedStyle(element).color;
  element.style.color = "";
  return colour;
}

/** @param {HTMLTableElement} table */
function readTable(table) {
  const names = [
    .../** @type {HTMLTableSectionElement} */ (table.tHead).rows[0].cells,
  ].map((cell) => cell.textContent.trim());
  const rows = [...table.tBodies[0].rows].map((row) => [...row.cells].map((cell) => cell.textContent.trim()));
  const weeks = rows.map((row) => Date.parse(`${row[0]}T00:00:00Z`) / 1000);
  const series = names.slice(1).map((_, index) => rows.map((row) => toNumber(row[index + 1])));
  return { names: names.slice(1), data: [weeks, ...series] };
}

/** @param {string} text */
function toNumber(text) {
  const number = Number.parseFloat(text);
  return Number.isNaN(number) ? null : number;
}

/**
 * @param {Place} place
 * @param {string} [label]
 */
function describeAxis(place, label) {
  const ink = resolveColour(place, "--ink-soft");
  const rule = { stroke: resolveColour(place, "--rule"), width: 1 };
  const font = `12px ${getComputedStyle(place).getPropertyValue("--sans")}`;
  return { stroke: ink, grid: rule, ticks: rule, font, labelFont: font, label };
}

/** @param {number} tick */
function showWhole(tick) {
  return Number.isInteger(tick) ? String(tick) : "";
}

/** @param {Place} place */
function draw(place) {
  const { names, data } = readTable(
    /** @type {HTMLTableElement} */ (document.getElementById(place.dataset.chart)),
  );
  const lastWeek = /** @type {number} */ (data[0].at(-1));
  place.replaceChildren();
  /** @type {uPlot.Series[]} */
  const series = names.map((name, index) => ({
    label: name,
    stroke: resolveColour(place, INKS[index]),
    dash: DASHES[index],
    width: 2,
    points: { show: true, size: 5 },
    spanGaps: true,
    value: (_, value) => (value === null ? "–" : String(value)),
  }));
  return new uPlot(
    {
      width: place.clientWidth,
      height: HEIGHT,
      tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), "Etc/UTC"),
      scales: {
        x: { range: (_, from, to) => [from - HALF_A_WEEK, Math.min(to, lastWeek) + HALF_A_WEEK] },
        y: { range: (_, low, high) => [0, Math.max(1, high * 1.1)] },
      },
      axes: [
        { ...describeAxis(place), space: 70, values: [[86400, "{D} {MMM}", "\n{YYYY}", null, null, null, null, null, 1]] },
        { ...describeAxis(place, place.dataset.unit), labelSize: 20, values: (_, ticks) => ticks.map(showWhole) },
      ],
      series: [{ label: "Week from", value: "{YYYY}-{MM}-{DD}" }, ...series],
    },
    /** @type {uPlot.AlignedData} */ (data),
    place,
  );
}

for (const place of /** @type {NodeListOf<Place>} */ (
  document.querySelectorAll("[data-chart]")
)) {
  let chart = draw(place);
  const redraw = () => {
    chart.destroy();
    chart = draw(place);
  };
  new ResizeObserver(() => chart.setSize({ width: place.clientWidth, height: HEIGHT })).observe(place);
  new MutationObserver(redraw).observe(document.documentElement, { attributeFilter: ["data-theme"] });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
}
