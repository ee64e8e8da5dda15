/* Draws the tables of a ladder against the models' parameters. Without it there are the tables. */

import uPlot from "../../../vendored/uplot/uPlot.esm.js";
import { followAll } from "./follow.js";

const HEIGHT = 280;
/* From 10M over 20M and 50M to 100M, with labels that do not touch. */
const DECADE_PX = 140;
const INKS = ["--accent", "--danger", "--info", "--warning"];
/* Shape and dash tell series apart beside colour: no two of sixteen have both in common. */
const MARKS = ["●", "■", "▲", "◆", "○", "□", "△", "◇"];
const DASHES = [[], [7, 4], [2, 3], [10, 3, 2, 3]];
const UNITS = /** @type {[number, string][]} */ ([[1e9, "B"], [1e6, "M"], [1e3, "K"]]);

/** @typedef {HTMLElement & { dataset: { chart: string, series: string, unit: string } }} Place */
/** @typedef {{ name: string, values: (number | null)[] }} Line */

const root = /** @type {HTMLElement} */ (document.querySelector("[data-follow]"));

/**
 * A canvas cannot read CSS variables, and their colours depend on the colour scheme.
 *
 * @param {HTMLElement} element
 * @param {string} variable
 */
function resolveColour(element, variable) {
  element.style.color = `var(${variable})`;
  const colour = getComputedStyle(element).color;
  element.style.color = "";
  return colour;
}

/** @param {number} count */
function writeParameters(count) {
  const [size, letter] = UNITS.find(([least]) => count >= least) ?? [1, ""];
  return `${Number((count / size).toPrecision(3))}${letter}`;
}

/** @param {number} index */
function styleOf(index) {
  return {
    ink: INKS[index % INKS.length],
    mark: MARKS[index % MARKS.length],
    dash: DASHES[(index + Math.floor(index / MARKS.length)) % DASHES.length],
  };
}

/**
 * The marked columns of the table, by number of parameters.
 *
 * @param {Place} place
 */
function readTable(place) {
  const table = /** @type {HTMLTableElement} */ (document.getElementById(place.dataset.chart));
  const heads = [.../** @type {HTMLTableSectionElement} */ (table.tHead).rows[0].cells];
  const rows = [...table.tBodies[0].rows];
  const lines = heads
    .filter((head) => head.dataset.series === place.dataset.series)
    .map((head) => ({ name: head.textContent, values: rows.map((row) => readNumber(row.cells[head.cellIndex])) }));
  return { sizes: rows.map((row) => Number(row.dataset.parameters)), lines };
}

/** @param {HTMLTableCellElement} cell */
function readNumber(cell) {
  const number = Number.parseFloat(cell.textContent.replaceAll(",", ""));
  return Number.isNaN(number) ? null : number;
}

/** Powers of ten, with their twofold and fivefold if there is room: what an axis of magnitudes can be read by.
 *
 * @param {number} low
 * @param {number} high
 * @param {number} width Of the axis, in CSS pixels.
 */
function listTicks(low, high, width) {
  const decade = width / Math.log10(high / low);
  const factors = decade < DECADE_PX ? [1] : [1, 2, 5];
  const ticks = [];
  for (let power = 10 ** Math.floor(Math.log10(low)); power <= high; power *= 10)
    ticks.push(...factors.map((factor) => factor * power).filter((tick) => tick >= low && tick <= high));
  return ticks;
}

/**
 * @param {uPlot} chart
 * @param {number} number
 * @param {string} mark
 * @param {string} colour
 */
function drawMarks(chart, number, mark, colour) {
  const { ctx } = chart;
  ctx.save();
  ctx.fillStyle = colour;
  ctx.font = `${15 * devicePixelRatio}px sans-serif`;
  ctx.textAlign = "center";
  ctx.textBaseline = "middle";
  chart.data[number].forEach((value, index) => {
    if (value === null || value === undefined) return;
    ctx.fillText(mark, chart.valToPos(chart.data[0][index], "x", true), chart.valToPos(value, "y", true));
  });
  ctx.restore();
}

/**
 * @param {Place} place
 * @param {Line[]} lines
 */
function buildLegend(place, lines) {
  const list = document.createElement("ul");
  list.className = "ladder-chart__legend";
  lines.forEach(({ name }, index) => {
    const { ink, mark } = styleOf(index);
    const item = document.createElement("li");
    const sign = document.createElement("span");
    sign.textContent = mark;
    sign.style.color = `var(${ink})`;
    item.append(sign, ` ${name}`);
    list.append(item);
  });
  return list;
}

/** @param {Place} place */
function draw(place) {
  const { sizes, lines } = readTable(place);
  const ink = resolveColour(place, "--ink-soft");
  const rule = { stroke: resolveColour(place, "--rule"), width: 1 };
  const font = `12px ${getComputedStyle(place).getPropertyValue("--sans")}`;
  const axis = { stroke: ink, grid: rule, ticks: rule, font, labelFont: font };
  place.replaceChildren();
  /** @type {uPlot.Series[]} */
  const series = lines.map(({ name }, index) => {
    const style = styleOf(index);
    const stroke = resolveColour(place, style.ink);
    return {
      label: name,
      stroke,
      dash: style.dash,
      width: 2,
      spanGaps: true,
      points: { show: (chart, number) => (drawMarks(chart, number, style.mark, stroke), false) },
    };
  });
  const chart = new uPlot(
    {
      width: place.clientWidth,
      height: HEIGHT,
      legend: { show: false },
      cursor: { show: false },
      scales: {
        x: { time: false, distr: 3, range: (_, low, high) => [low / 1.5, high * 1.5] },
        y: { range: (_, low, high) => uPlot.rangeNum(low, high, 0.15, true) },
      },
      axes: [
        {
          ...axis,
          label: "parameters",
          labelSize: 18,
          size: 26,
          splits: (plot, _, low, high) => listTicks(low, high, plot.bbox.width / devicePixelRatio),
          values: (_, ticks) => ticks.map(writeParameters),
          filter: (_, ticks) => ticks,
        },
        { ...axis, label: place.dataset.unit, labelSize: 20, size: 56 },
      ],
      series: [{}, ...series],
    },
    /** @type {uPlot.AlignedData} */ ([sizes, ...lines.map(({ values }) => values)]),
    place,
  );
  if (lines.length > 1) place.append(buildLegend(place, lines));
  return chart;
}

/** @param {Place} place */
function keepDrawn(place) {
  let chart = draw(place);
  const redraw = () => {
    if (!place.isConnected) return;
    chart.destroy();
    chart = draw(place);
  };
  new ResizeObserver(() => chart.setSize({ width: place.clientWidth, height: HEIGHT })).observe(place);
  new MutationObserver(redraw).observe(document.documentElement, { attributeFilter: ["data-theme"] });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
}

function drawAll() {
  for (const place of /** @type {NodeListOf<Place>} */ (root.querySelectorAll("[data-chart]"))) keepDrawn(place);
}

drawAll();
followAll(root, {
  onProgress: (ended, all) => {
    const line = root.querySelector("[data-progress]");
    if (line) line.textContent = `${ended} of ${all} runs have ended.`;
  },
  onReplaced: drawAll,
});
