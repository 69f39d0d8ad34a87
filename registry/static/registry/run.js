// Refreshes a run's page while the run is active: polls its progress, and reloads the page when
// the run has ended.
(() => {
  const EVERY_MS = 1000;
  const LONGEST_MS = 15000;
  const page = document.getElementById("run");
  if (!page || page.dataset.active !== "true") return;
  const head = document.getElementById("run-head");
  const log = document.getElementById("run-log");
  const status = document.getElementById("run-status");
  const trouble = document.getElementById("run-trouble");
  let offset = Number(log.dataset.length);
  let wait = EVERY_MS;

  function show(answer) {
    head.innerHTML = answer.head; // the server's template, which escapes its values
    const line = `${answer.activity}, ${answer.percent} %`;
    if (status.dataset.activity !== answer.activity) {
      status.dataset.activity = answer.activity;
      status.textContent = line;
    }
    const atEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 40;
    if (answer.log.whole) log.textContent = answer.log.text;
    else if (answer.log.text) log.append(answer.log.text);
    offset = answer.log.length;
    if (atEnd) log.scrollTop = log.scrollHeight;
    trouble.hidden = true;
  }

  function showTrouble(text) {
    trouble.textContent = text;
    trouble.hidden = false;
  }

  // Waits while a dialog is open, in which someone may be writing a reason.
  function reload() {
    const overlay = document.getElementById("modal-overlay");
    if (overlay && getComputedStyle(overlay).display !== "none") setTimeout(reload, EVERY_MS);
    else location.reload();
  }

  async function poll() {
    try {
      const response = await fetch(`${page.dataset.progress}?offset=${offset}`, {
        headers: { Accept: "application/json" },
        redirect: "manual",
      });
      if (response.type === "opaqueredirect" || response.status === 403 || response.status === 404) {
        showTrouble("This page no longer follows the run. Reload it.");
        return;
      }
      if (!response.ok) throw new Error(response.status);
      const answer = await response.json();
      show(answer);
      if (answer.ended) {
        reload();
        return;
      }
      wait = EVERY_MS;
    } catch {
      wait = Math.min(wait * 2, LONGEST_MS);
      showTrouble("The server does not answer. Retrying.");
    }
    setTimeout(poll, wait);
  }

  log.scrollTop = log.scrollHeight;
  setTimeout(poll, EVERY_MS);
})();
