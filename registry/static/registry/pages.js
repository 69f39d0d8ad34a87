// What our pages need of a script: the focus in dialogs, errors in view, copying, waiting.
(() => {
  const FOCUSABLE = "a[href], button:not([disabled]), input:not([type=hidden]), select, textarea, [tabindex]:not([tabindex='-1'])";
  let opener = null;

  function dialog() {
    const content = document.getElementById("modal-content");
    return content && content.offsetParent !== null ? content : null;
  }

  // The focus goes into a dialog when it has been loaded, and back to its button when it closes.
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[hx-get]");
    if (button) opener = button;
  }, true);

  document.addEventListener("htmx:afterSettle", () => {
    const open = dialog();
    if (!open || open.contains(document.activeElement)) return;
    const first = open.querySelector("input:not([type=hidden]), select, textarea") || open.querySelector(FOCUSABLE);
    if (first) first.focus();
  });

  document.addEventListener("keydown", (event) => {
    const open = dialog();
    if (!open || event.key !== "Tab") return;
    const stops = [...open.querySelectorAll(FOCUSABLE)].filter((stop) => stop.offsetParent !== null);
    if (!stops.length) return;
    const first = stops[0];
    const last = stops[stops.length - 1];
    const isOutside = !open.contains(document.activeElement);
    if (event.shiftKey && (isOutside || document.activeElement === first)) {
      event.preventDefault();
      last.focus();
    } else if (!event.shiftKey && (isOutside || document.activeElement === last)) {
      event.preventDefault();
      first.focus();
    }
  });

  // The browser asks for what is missing: an answer of the server would replace what is typed meanwhile.
  // Htmx takes a form over a moment after it shows it: one that is sent before goes to the same address.
  function prepareDialog(event) {
    const form = event.target.querySelector?.("form[hx-target='#dialog-form']");
    if (!form) return;
    form.noValidate = false;
    form.action = form.getAttribute("hx-post");
  }

  document.addEventListener("htmx:afterSwap", prepareDialog);
  document.addEventListener("htmx:load", prepareDialog); // of a dialog that is a page of its own

  // While the server answers, nothing is typed that its answer would replace, and nothing is sent twice.
  function setWaiting(form, isWaiting) {
    form.querySelectorAll("input, textarea").forEach((field) => { field.readOnly = isWaiting; });
    form.querySelectorAll("button").forEach((button) => { button.disabled = isWaiting; });
  }

  document.addEventListener("htmx:beforeSend", (event) => {
    if (event.target.matches("#dialog form")) setWaiting(event.target, true);
  });

  document.addEventListener("htmx:afterRequest", (event) => {
    const isLeaving = event.detail.xhr?.getResponseHeader("HX-Redirect");
    if (event.target.matches("#dialog form") && !isLeaving) setWaiting(event.target, false);
  });

  function watchOverlay() {
    const overlay = document.getElementById("modal-overlay");
    if (!overlay) return;
    const content = document.getElementById("modal-content");
    content.setAttribute("role", "dialog");
    content.setAttribute("aria-modal", "true");
    content.setAttribute("aria-label", "Dialog");
    new MutationObserver(() => {
      if (overlay.style.display === "none" && opener) {
        opener.focus();
        opener = null;
      }
    }).observe(overlay, { attributes: true, attributeFilter: ["style"] });
  }

  function showFirstError() {
    const field = document.querySelector("#content [aria-invalid=true]");
    const error = field || document.querySelector("#content .errorlist, #content .errornote");
    if (error) error.scrollIntoView({ block: "center" });
    if (field) field.focus({ preventScroll: true });
  }

  async function copy(button) {
    const text = document.querySelector(button.dataset.copy).textContent.trim();
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      const area = document.createElement("textarea"); // without TLS there is no clipboard API
      area.value = text;
      document.body.append(area);
      area.select();
      document.execCommand("copy");
      area.remove();
    }
    button.textContent = "Copied";
  }

  // A line that waits until its address answers that it is done.
  function wait(line) {
    const EVERY_MS = 2000;
    const until = Date.now() + 30 * 60 * 1000;
    async function ask() {
      try {
        const answer = await fetch(line.dataset.waiting, { headers: { Accept: "application/json" } });
        const found = answer.ok ? await answer.json() : {};
        if (found.text) {
          line.textContent = found.text;
          line.dataset.done = "true";
          return;
        }
      } catch {
        // The server is away: ask again.
      }
      if (Date.now() < until) setTimeout(ask, EVERY_MS);
    }
    setTimeout(ask, EVERY_MS);
  }

  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-copy]");
    if (button) copy(button);
  });
  document.addEventListener("DOMContentLoaded", () => {
    watchOverlay();
    showFirstError();
    document.querySelectorAll("[data-waiting]").forEach(wait);
  });
})();
