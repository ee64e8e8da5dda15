// Passkeys: fills the hidden `credential` of a form from the browser's own dialogue, then sends it.
//
// <form data-passkey="create|get"> with the options either in <script type="application/json">
// (data-options="its id") or fetched when asked for (data-options-url).

const HELP = {
  AbortError: "That was interrupted. Try again.",
  InvalidStateError: "This passkey is already known here.",
  NotAllowedError: "The browser closed the dialogue, or no passkey was chosen. Try again.",
  NotSupportedError: "This device cannot keep such a passkey. Try another one.",
  SecurityError: "Passkeys need a secure address with a name. Open this site by https, or by localhost.",
};

function isSupported() {
  return Boolean(window.PublicKeyCredential?.parseCreationOptionsFromJSON);
}

async function readOptions(form) {
  if (form.dataset.options) {
    return JSON.parse(document.getElementById(form.dataset.options).textContent);
  }
  const response = await fetch(form.dataset.optionsUrl, {
    headers: { Accept: "application/json" },
  });
  if (response.status === 429) throw new Error("Too many tries. Wait a few minutes.");
  if (!response.ok) throw new Error("The site did not answer as it should. Try again.");
  return response.json();
}

function asksToSignInAlone(form) {
  return form.elements.passwordless?.checked ?? true;
}

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

async function getCredential(form) {
  const { request_options: options } = await readOptions(form);
  const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(options.publicKey);
  return navigator.credentials.get({ publicKey });
}

const CEREMONIES = { create: createCredential, get: getCredential };

function show(form, message) {
  const place = form.querySelector("[data-passkey-error]");
  place.textContent = message;
  place.hidden = message === "";
}

async function perform(form, button) {
  show(form, "");
  button.disabled = true;
  try {
    const credential = await CEREMONIES[form.dataset.passkey](form);
    form.elements.credential.value = JSON.stringify(credential.toJSON());
    form.submit();
  } catch (error) {
    show(form, HELP[error.name] ?? error.message);
    button.disabled = false;
  }
}

for (const form of document.querySelectorAll("form[data-passkey]")) {
  form.hidden = false;
  const button = form.querySelector("button[type=submit]");
  if (!isSupported()) {
    button.disabled = true;
    show(form, "This browser is too old for passkeys.");
  }
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    perform(form, button);
  });
}
