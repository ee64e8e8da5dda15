/* Computes the SHA-256 of a chosen file in the browser, so that the file itself is not sent. */

/** @param {ArrayBuffer} buffer */
function toHex(buffer) {
  return Array.from(new Uint8Array(buffer), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** @typedef {HTMLElement & { dataset: { fingerprint: string } }} FileField */

/** @param {FileField} field */
export function wireFingerprint(field) {
  const chooser = /** @type {HTMLInputElement} */ (field.querySelector("input[type=file]"));
  const status = /** @type {Element} */ (field.querySelector("[role=status]"));
  const target = /** @type {HTMLInputElement} */ (
    document.querySelector(field.dataset.fingerprint)
  );
  field.hidden = false;
  chooser.addEventListener("change", async () => {
    const [file] = /** @type {FileList} */ (chooser.files);
    if (!file) return;
    target.value = toHex(await crypto.subtle.digest("SHA-256", await file.arrayBuffer()));
    status.textContent = "Its SHA-256 is in the field above. Verify it now.";
  });
}

// Browsers compute digests only for pages that came over HTTPS or from this machine.
if (window.crypto?.subtle) {
  for (const field of document.querySelectorAll("[data-fingerprint]"))
    wireFingerprint(/** @type {FileField} */ (field));
}
