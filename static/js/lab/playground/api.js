/* Requests to our own server. Every error has a message that can be shown. */

/**
 * @typedef {{ url: string, label: string }} NextStep
 * @typedef {{ code: string, message: string, next_step?: NextStep | null }} Refusal
 */

/**
 * Pairs, if a name occurs more than once.
 * @typedef {Record<string, string> | [string, string][]} Fields
 */

/**
 * The errors by field, as Django names the fields, and the error of the whole request.
 * @typedef {object} Refused
 * @property {Record<string, (string | { message: string })[]>} [errors]
 * @property {Refusal} error
 */

/**
 * @template Body
 * @typedef {{ ok: true, status: number, body: Body, response?: Response }} Accepted
 */

/**
 * @template Body
 * @typedef {Accepted<Body> |
 *   { ok: false, status: number, body: Refused, aborted?: true, response?: undefined }} Answer
 */

const OFFLINE = {
  code: "unreachable",
  message: "Gatehouse cannot be reached. Nothing is lost: check the connection, then try again.",
};
const BROKEN = {
  code: "broken",
  message: "Something broke on our side. Nothing you typed is lost; try again in a moment.",
};
const EXPIRED = {
  code: "form_expired",
  message: "This page is too old to submit. Your text is kept in this browser. Reload the page.",
};

/* After a new sign-in in another tab, the cookie is newer than the form field. */
function readToken() {
  const cookie = document.cookie.split("; ").find((pair) => pair.startsWith("csrftoken="));
  /** @type {HTMLInputElement | null} */
  const field = document.querySelector("[name=csrfmiddlewaretoken]");
  return cookie ? cookie.slice("csrftoken=".length) : (field?.value ?? "");
}

/**
 * POST a form's fields. Returns { ok, status, body } and never throws. If `accept` allows events
 * and the server sends them, the result has the `response` to read them from.
 *
 * @template Body
 * @param {string} url
 * @param {Fields} fields
 * @param {{ signal?: AbortSignal, accept?: string }} [options]
 * @returns {Promise<Answer<Body>>}
 */
export async function post(url, fields, { signal, accept = "application/json" } = {}) {
  let response;
  try {
    response = await fetch(url, {
      method: "POST",
      body: new URLSearchParams(fields),
      headers: { Accept: accept, "X-CSRFToken": readToken() },
      credentials: "same-origin",
      redirect: "error",
      signal,
    });
  } catch (error) {
    if (/** @type {Error} */ (error).name === "AbortError")
      return { ok: false, status: 0, body: /** @type {Refused} */ ({}), aborted: true };
    return { ok: false, status: 0, body: { error: OFFLINE } };
  }
  const isStream = response.headers.get("Content-Type")?.startsWith("text/event-stream");
  if (response.ok && isStream)
    return { ok: true, status: response.status, body: /** @type {Body} */ ({}), response };
  const body = await response.json().catch(() => null);
  // The response was cut, for example because the page is being left.
  if (body === null) return { ok: false, status: response.status, body: { error: BROKEN } };
  if (response.status === 403 && body.error?.code === "form_expired") body.error = EXPIRED;
  if (!response.ok && !body.error) body.error = BROKEN;
  return { ok: response.ok, status: response.status, body };
}

/**
 * GET a text. Null if it cannot be had, also because the page is being left.
 *
 * @param {string} url
 * @param {string} accept
 */
export async function getText(url, accept) {
  try {
    const response = await fetch(url, { headers: { Accept: accept } });
    return response.ok && !response.redirected ? await response.text() : null;
  } catch {
    return null;
  }
}
