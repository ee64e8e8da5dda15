/* Log-probability over position, as a line of which one can select a part. */

import uPlot from "../../../../vendored/uplot/uPlot.esm.js";

/** @import { Reading } from "./measures.js" */

const HEIGHT = 96;
/* More points than this would be a thick line. */
const FEW = 200;

export class Trace {
  /**
   * @param {HTMLElement} place
   * @param {(from: number, to: number) => void} onSelect Places in the list, the last included;
   *   an empty selection has `from` above `to`.
   */
  constructor(place, onSelect) {
    this.place = place;
    this.onSelect = onSelect;
    /** @type {uPlot | null} */
    this.chart = null;
    new ResizeObserver(() => this.chart?.setSize(this.measure())).observe(place);
    const redraw = () => {
      if (!this.chart) return;
      const { data } = this.chart;
      this.chart.destroy();
      this.chart = this.draw(data);
    };
    new MutationObserver(redraw).observe(document.documentElement, { attributeFilter: ["data-theme"] });
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
  }

  /** @param {Reading[]} readings */
  show(readings) {
    /** @type {uPlot.AlignedData} */
    const data = [
      readings.map((_, index) => index + 1),
      readings.map(({ logprob }) => (logprob !== null && Number.isFinite(logprob) ? logprob : null)),
    ];
    if (this.chart) this.chart.setData(data);
    else if (readings.length > 1) this.chart = this.draw(data);
  }

  measure() {
    return { width: this.place.clientWidth, height: HEIGHT };
  }

  /** @param {uPlot.AlignedData} data */
  draw(data) {
    const style = getComputedStyle(this.place);
    const ink = style.color;
    const axis = {
      stroke: ink,
      grid: { stroke: style.borderTopColor, width: 1 },
      ticks: { show: false },
      font: `11px ${style.fontFamily}`,
    };
    return new uPlot(
      {
        ...this.measure(),
        legend: { show: false },
        cursor: { drag: { x: true, y: false, setScale: false }, points: { size: 6 } },
        scales: { x: { time: false }, y: { range: (_, low) => [Math.min(low, -1), 0] } },
        axes: [
          { ...axis, size: 22, space: 60 },
          { ...axis, size: 44, space: 24 },
        ],
        series: [{}, { stroke: style.accentColor, width: 1.5, points: { show: (chart) => chart.data[0].length < FEW } }],
        hooks: { setSelect: [(chart) => this.select(chart)] },
      },
      data,
      this.place,
    );
  }

  /** @param {uPlot} chart */
  select(chart) {
    const { left, width } = chart.select;
    if (width < 2) return this.onSelect(0, -1);
    this.onSelect(chart.posToIdx(left), chart.posToIdx(left + width));
  }
}
