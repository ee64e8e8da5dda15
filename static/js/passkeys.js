// Passkeys: fills the hidden `credential` of a form from the browser's own dialogue, then sends it.
//
// <form data-passkey="create|get"> with the options either in <script type="application/json">
// (data-options="its id") or fetched on demand (data-options-url).

/**
 * @typedef {HTMLFormElement & {
 *   elements: HTMLFormControlsCollection &
 *     { credential: HTMLInputElement, passwordless?: HTMLInputElement },
 *   dataset: { passkey: keyof typeof CEREMONIES, optionsUrl: string },
 * }} PasskeyForm
 */

/**
 * What the server sends; each ceremony has its own.
 * @typedef {object} Options
 * @property {{ publicKey: PublicKeyCredentialCreationOptionsJSON }} creation_options
 * @property {{ publicKey: PublicKeyCredentialRequestOptionsJSON }} request_options
 */

/** @type {Record<string, string>} */
const HELP = {
  AbortError: "That was interrupted. Try again.",
  InvalidStateError: "This passkey is already registered here.",
  NotAllowedError: "The browser closed the dialogue, or no passkey was chosen. Try again.",
  NotSupportedError: "This device cannot store such a passkey. Try another device.",
  SecurityError: "Passkeys need a secure address with a host name. Open this site over https, or on localhost.",
};

function isSupported() {
  return Boolean(window.PublicKeyCredential?.parseCreationOptionsFromJSON);
}

/**
 * @param {PasskeyForm} form
 * @returns {Promise<Options>}
 */
async function readOptions(form) {
  if (form.dataset.options) {
    return JSON.parse(
      /** @type {Element} */ (document.getElementById(form.dataset.options)).textContent,
    );
  }
  const response = await fetch(form.dataset.optionsUrl, {
    headers: { Accept: "application/json" },
  });
  if (response.status === 429) throw new Error("Too many tries. Wait a few minutes.");
  if (!response.ok) throw new Error("The site did not respond as expected. Try again.");
  return response.json();
}

/** @param {PasskeyForm} form */
function asksToSignInAlone(form) {
  return form.elements.passwordless?.checked ?? true;
}

/** @param {PasskeyForm} form */
async function createCredential(form) {
  const { creation_options: options } = await readOptions(form);
  const alone = asksToSignInAlone(form);
  options.publicKey.authenticatorSelection = {
    ...options.publicKey.authenticatorSelection,
    residentKey: alone ? "required" : "discouraged",
    requireResidentKey: alone,
    userVerification: alone ? "required" : "preferred",
  };
  const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(options.publicKey);
  return navigator.credentials.create({ publicKey });
}

/** @param {PasskeyForm} form */
async function getCredential(form) {
  const { request_options: options } = await readOptions(form);
  const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(options.publicKey);
  return navigator.credentials.get({ publicKey });
}

const CEREMONIES = { create: createCredential, get: getCredential };

/**
 * @param {PasskeyForm} form
 * @param {string} message
 */
function show(form, message) {
  const place = /** @type {HTMLElement} */ (form.querySelector("[data-passkey-error]"));
  place.textContent = message;
  place.hidden = message === "";
}

/**
 * @param {PasskeyForm} form
 * @param {HTMLButtonElement} button
 */
async function perform(form, button) {
  show(form, "");
  button.disabled = true;
  try {
    const credential = /** @type {PublicKeyCredential | null} */ (
      await CEREMONIES[form.dataset.passkey](form)
    );
    if (credential === null) throw new DOMException("no passkey was chosen", "NotAllowedError");
    form.elements.credential.value = JSON.stringify(credential.toJSON());
    form.submit();
  } catch (error) {
    show(form, HELP[/** @type {Error} */ (error).name] ?? /** @type {Error} */ (error).message);
    button.disabled = false;
  }
}

for (const form of /** @type {NodeListOf<PasskeyForm>} */ (
  document.querySelectorAll("form[data-passkey]")
)) {
  form.hidden = false;
  const button = /** @type {HTMLButtonElement} */ (form.querySelector("button[type=submit]"));
  if (!isSupported()) {
    button.disabled = true;
    show(form, "This browser is too old for passkeys.");
  }
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    perform(form, button);
  });
}
