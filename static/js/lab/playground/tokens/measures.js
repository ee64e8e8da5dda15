/* What is read from a token's log-probabilities, and how it is written. Pure functions.
   Log-probabilities are natural logarithms; surprisal and entropy are in bits. */

/**
 * A token of the document, with its numbers in the model's own distribution.
 *
 * `start` and `end` are places in the document, in UTF-16 code units. `top` are the likeliest
 * tokens at its position, likeliest first. The first token of a prompt has no log-probability.
 * @typedef {object} Reading
 * @property {number} id
 * @property {number} start
 * @property {number} end
 * @property {number | null} logprob
 * @property {number | null} rank
 * @property {[id: number, logprob: number][]} top
 * @property {Origin | null} [origin]
 *
 * The run, by its address, and which token of its prompt or completion.
 * @typedef {{ run: string, part: "prompt" | "completion", index: number }} Origin
 *
 * @typedef {"text" | "probability" | "rank" | "entropy" | "surprisal"} Mode
 */

/** @param {number} logprob */
export function toSurprisal(logprob) {
  return 0 - logprob / Math.LN2;
}

/**
 * The alternatives and the token itself, likeliest first, and the probability of all others.
 *
 * @param {Reading} reading
 */
export function listAlternatives({ id, logprob, rank, top }) {
  const rows = top.map(([other, value], index) => ({ id: other, logprob: value, rank: index + 1 }));
  if (logprob !== null && rows.every((row) => row.id !== id)) {
    rows.push({ id, logprob, rank: rank ?? 0 });
  }
  const sum = rows.reduce((total, row) => total + Math.exp(row.logprob), 0);
  return { rows, sum, other: Math.max(0, 1 - sum) };
}

/**
 * A lower bound of the distribution's entropy: all tokens that are not listed count as one.
 * Null if none are listed.
 *
 * @param {Reading} reading
 */
export function boundEntropy(reading) {
  if (reading.top.length === 0) return null;
  const { rows, other } = listAlternatives(reading);
  const parts = [...rows.map((row) => Math.exp(row.logprob)), other];
  return parts.reduce((sum, part) => (part > 0 ? sum - part * Math.log2(part) : sum), 0);
}

/**
 * The scales of the heat map: the value of a token, and where each next level begins.
 *
 * @type {Record<Exclude<Mode, "text">, {
 *   measure: (reading: Reading) => number | null, bounds: number[], isRising: boolean,
 *   unit: string, write: (value: number) => string,
 * }>}
 */
export const SCALES = {
  probability: {
    measure: ({ logprob }) => (logprob === null ? null : Math.exp(logprob)),
    bounds: [0.9, 0.7, 0.5, 0.25, 0.1, 0.03, 0.01],
    isRising: false,
    unit: "%",
    write: (value) => String(Number((value * 100).toPrecision(2))),
  },
  rank: {
    measure: ({ rank }) => rank,
    bounds: [2, 3, 5, 10, 50, 200, 1000],
    isRising: true,
    unit: "",
    write: (value) => value.toLocaleString("en-GB"),
  },
  entropy: {
    measure: boundEntropy,
    bounds: [0.5, 1, 1.5, 2, 3, 4, 5],
    isRising: true,
    unit: "bits",
    write: String,
  },
  surprisal: {
    measure: ({ logprob }) => (logprob === null ? null : toSurprisal(logprob)),
    bounds: [0.5, 1, 2, 4, 6, 8, 11],
    isRising: true,
    unit: "bits",
    write: String,
  },
};
export const LEVELS = SCALES.rank.bounds.length;

/**
 * From 0, where the model was sure, to LEVELS; null if the token has no value.
 *
 * @param {Reading} reading
 * @param {Exclude<Mode, "text">} mode
 */
export function findLevel(reading, mode) {
  const { measure, bounds, isRising } = SCALES[mode];
  const value = measure(reading);
  if (value === null) return null;
  return bounds.filter((bound) => (isRising ? value >= bound : value < bound)).length;
}

/**
 * Of tokens that have a log-probability: their number, mean, and perplexity.
 *
 * @param {Reading[]} readings
 */
export function summarise(readings) {
  const known = readings.flatMap(({ logprob }) => (logprob === null ? [] : [logprob]));
  if (known.length === 0) return null;
  const mean = known.reduce((sum, logprob) => sum + logprob, 0) / known.length;
  return { tokens: known.length, mean, perplexity: Math.exp(-mean) };
}

/**
 * The tokens of each line of the text. A token belongs to the line in which it begins.
 *
 * @param {string} text
 * @param {Reading[]} readings
 */
export function splitLines(text, readings) {
  /** @type {{ text: string, readings: Reading[] }[]} */
  const lines = [];
  let start = 0;
  let next = 0;
  for (const line of text.split("\n")) {
    const end = start + line.length + 1;
    const own = [];
    while (next < readings.length && readings[next].start < end) own.push(readings[next++]);
    lines.push({ text: line, readings: own });
    start = end;
  }
  return lines;
}

/**
 * "61.3 %", or "4.1e-7 %" where digits would be lost.
 *
 * @param {number} probability
 */
export function writeProbability(probability) {
  const percent = probability * 100;
  if (percent === 0) return "0 %";
  return percent < 0.01 ? `${percent.toExponential(1)} %` : `${percent.toFixed(2)} %`;
}

/**
 * With a true minus sign, so that columns align.
 *
 * @param {number} value
 */
export function writeNumber(value, digits = 4) {
  if (!Number.isFinite(value)) return value < 0 ? "−∞" : "∞";
  const text = value.toFixed(digits);
  return Number(text) === 0 ? text.replace("-", "") : text.replace("-", "−");
}

const VISIBLE = /** @type {Record<string, string>} */ ({ " ": "·", "\n": "↵", "\t": "→", "\r": "␍" });

/**
 * A token's text with visible blanks, and other characters without a shape as U+hhhh; a token of
 * bytes as hexadecimal numbers.
 *
 * @param {string | number[] | undefined} name
 */
export function spell(name) {
  if (name === undefined) return "?";
  if (typeof name !== "string") {
    return name.map((byte) => `0x${byte.toString(16).padStart(2, "0").toUpperCase()}`).join(" ");
  }
  if (name === "") return "⟨empty⟩";
  return name.replace(
    /[\s\p{C}\p{Default_Ignorable_Code_Point}\u2800]/gu,
    (character) => VISIBLE[character] ?? codePoint(character),
  );
}

/** @param {string} character */
function codePoint(character) {
  const code = /** @type {number} */ (character.codePointAt(0));
  return `⟨U+${code.toString(16).toUpperCase().padStart(4, "0")}⟩`;
}
