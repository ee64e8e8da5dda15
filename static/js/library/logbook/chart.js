/* One metric as a line, with a mark for each listed entry; dragging over it selects a range. */

import uPlot from "../../../vendored/uplot/uPlot.esm.js";

/** @typedef {{ name: string, unit: string, values: number, x: number[], y: (number | null)[] }} Metric */

const HEIGHT = 160;
/* More points than this would be a thick line. */
const FEW = 200;
const CURSORS = "logbook";

export class Chart {
  /**
   * @param {HTMLElement} place
   * @param {Metric} metric
   * @param {{ isTime: boolean, marks: number[], onSelect: (from: number, to: number) => void }} options
   */
  constructor(place, metric, { isTime, marks, onSelect }) {
    this.place = place;
    this.metric = metric;
    this.isTime = isTime;
    this.marks = marks;
    this.onSelect = onSelect;
    this.plot = this.draw();
    this.watch = new ResizeObserver(() => this.plot.setSize(this.measure()));
    this.watch.observe(place);
  }

  destroy() {
    this.watch.disconnect();
    this.plot.destroy();
  }

  redraw() {
    this.plot.destroy();
    this.plot = this.draw();
  }

  measure() {
    return { width: this.place.clientWidth, height: HEIGHT };
  }

  draw() {
    const style = getComputedStyle(this.place);
    const axis = {
      stroke: style.color,
      grid: { stroke: style.borderTopColor, width: 1 },
      ticks: { show: false },
      font: `11px ${style.fontFamily}`,
    };
    const { x, y } = this.metric;
    return new uPlot(
      {
        ...this.measure(),
        legend: { show: false },
        tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), "Etc/UTC"),
        cursor: { drag: { x: true, y: false, setScale: false }, sync: { key: CURSORS, setSeries: false } },
        scales: { x: { time: this.isTime } },
        axes: [
          { ...axis, size: 28, space: 70 },
          { ...axis, size: 56, space: 28 },
        ],
        series: [{}, { stroke: style.accentColor, width: 1.25, points: { show: x.length < FEW, size: 3 } }],
        hooks: {
          drawAxes: [(plot) => this.drawMarks(plot, style.outlineColor)],
          setSelect: [(plot) => this.select(plot)],
        },
      },
      [x, y],
      this.place,
    );
  }

  /**
   * @param {uPlot} plot
   * @param {string} colour
   */
  drawMarks({ ctx, bbox, scales, valToPos }, colour) {
    const { min, max } = scales.x;
    ctx.save();
    ctx.strokeStyle = colour;
    ctx.lineWidth = devicePixelRatio;
    ctx.setLineDash([4 * devicePixelRatio, 3 * devicePixelRatio]);
    for (const mark of this.marks) {
      if (mark < (min ?? 0) || mark > (max ?? 0)) continue;
      const across = Math.round(valToPos(mark, "x", true));
      ctx.beginPath();
      ctx.moveTo(across, bbox.top);
      ctx.lineTo(across, bbox.top + bbox.height);
      ctx.stroke();
    }
    ctx.restore();
  }

  /** @param {uPlot} plot */
  select(plot) {
    const { left, width } = plot.select;
    if (width < 3) return;
    const [from, to] = [plot.posToVal(left, "x"), plot.posToVal(left + width, "x")];
    plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
    this.onSelect(from, to);
  }
}
