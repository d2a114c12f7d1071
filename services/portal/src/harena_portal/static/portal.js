// Keeps the states of the page true while it is open and looked at. The page is complete without it.
async function refresh() {
  if (document.hidden) return;
  const answer = await fetch("/docs").catch(() => null);
  if (!answer || !answer.ok) return;
  const page = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const state of page.querySelectorAll("[data-service]")) {
    document.querySelector(`[data-service="${state.dataset.service}"]`)?.replaceWith(state);
  }
}

setInterval(refresh, 5000);
document.addEventListener("visibilitychange", refresh);
