// Asks the browser for a passkey, or to make one, and sends the answer with the form that the button stands in.
"use strict";

const bytes = text => Uint8Array.from(atob(text.replaceAll("-", "+").replaceAll("_", "/")), c => c.charCodeAt(0));
const text = buffer => btoa(String.fromCharCode(...new Uint8Array(buffer))).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
const withBytes = list => (list ?? []).map(entry => ({ ...entry, id: bytes(entry.id) }));

const create = async options => {
  const credential = await navigator.credentials.create({
    publicKey: { ...options, challenge: bytes(options.challenge), user: { ...options.user, id: bytes(options.user.id) }, excludeCredentials: withBytes(options.excludeCredentials) },
  });
  const { clientDataJSON, attestationObject } = credential.response;
  return [credential, { clientDataJSON: text(clientDataJSON), attestationObject: text(attestationObject), transports: credential.response.getTransports?.() ?? [] }];
};

const get = async options => {
  const credential = await navigator.credentials.get({ publicKey: { ...options, challenge: bytes(options.challenge), allowCredentials: withBytes(options.allowCredentials) } });
  const { clientDataJSON, authenticatorData, signature, userHandle } = credential.response;
  return [credential, {
    clientDataJSON: text(clientDataJSON), authenticatorData: text(authenticatorData), signature: text(signature), userHandle: userHandle ? text(userHandle) : null,
  }];
};

const ask = async button => {
  const form = button.closest("form"), error = form.querySelector("[data-passkey-error]");
  button.disabled = true;
  error.hidden = true;
  try {
    const answer = await fetch(button.dataset.passkey, { headers: { accept: "application/json" } });
    if (!answer.ok) throw new Error(`${answer.status}`);
    const question = await answer.json();
    const [credential, response] = await (button.dataset.passkeyMake === undefined ? get : create)(JSON.parse(question.options));
    form.elements["Form.Ticket"].value = question.ticket;
    form.elements["Form.Credential"].value = JSON.stringify({
      id: credential.id, rawId: text(credential.rawId), type: credential.type, authenticatorAttachment: credential.authenticatorAttachment ?? null,
      clientExtensionResults: credential.getClientExtensionResults(), response,
    });
    form.requestSubmit();
  } catch {
    // The user said no, has none for this server, or took too long: the browser does not tell which, so that no page can find out.
    error.hidden = false;
    button.disabled = false;
  }
};

document.addEventListener("click", event => {
  const button = event.target instanceof Element ? event.target.closest("[data-passkey]") : null;
  if (!button) return;
  event.preventDefault();
  ask(button);
});

// Browsers have them over HTTPS and on this machine only; elsewhere nothing is offered.
const offer = () => {
  if (!window.PublicKeyCredential || !isSecureContext) return;
  for (const element of document.querySelectorAll("[data-passkey-offer]")) element.hidden = false;
  for (const element of document.querySelectorAll("[data-passkey-lack]")) element.hidden = true;
};
offer();
window.Blazor?.addEventListener?.("enhancedload", offer);
