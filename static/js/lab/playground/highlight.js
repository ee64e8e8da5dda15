/**
 * A set of ranges that the style sheet colours as `::highlight(name)`; null in a browser without
 * the CSS Custom Highlight API, which shows the text without colours.
 *
 * @param {string} name
 */
export function highlight(name) {
  if (!globalThis.CSS?.highlights) return null;
  const ranges = new Highlight();
  CSS.highlights.set(name, ranges);
  return ranges;
}
