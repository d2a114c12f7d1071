// Keeps the page true while it is open and looked at. It is complete without this script, and every
// word but those about the connection comes from the portal.
const EVERY_MS = 3000;
// Above what the portal takes where a service is silent.
const PATIENCE_MS = 4000;

const main = document.querySelector("main");
const platform = document.querySelector(".platform");
const rows = document.querySelectorAll("[data-service]");
let checkedAt = performance.now();
let asking = false;
let timer;

// Only what differs is written: a live region speaks whenever it is written to.
function write(parent, field, text) {
  const place = parent.querySelector(`[data-field="${field}"]`);
  if (place.textContent !== text) place.textContent = text;
}

function paint(element, state) {
  element.dataset.state = state;
  element.querySelector("use").setAttribute("href", `#${state}`);
}

function show(found) {
  for (const row of rows) {
    const { status, ...words } = found.services[row.dataset.service];
    paint(row, status);
    for (const [field, text] of Object.entries(words)) write(row, field, text);
  }
  checkedAt = performance.now() - found.age_seconds * 1000;
  head(found.status, found.headline, false);
}

function head(state, headline, lost) {
  main.classList.toggle("lost", lost);
  paint(platform, state);
  write(platform, "headline", headline);
  document.title = `${headline} – Harena`;
  tick();
}

function tick() {
  const lost = main.classList.contains("lost");
  write(platform, "checked", `${lost ? "Dernier état connu, vérifié" : "Vérifié"} ${age()}`);
}

function age() {
  const seconds = Math.round((performance.now() - checkedAt) / 1000);
  if (seconds < 1) return "à l’instant";
  if (seconds < 60) return `il\u00a0y\u00a0a\u00a0${seconds}\u00a0s`;
  return `il\u00a0y\u00a0a\u00a0${Math.floor(seconds / 60)}\u00a0min`;
}

async function ask() {
  const answer = await fetch(main.dataset.status, { signal: AbortSignal.timeout(PATIENCE_MS) });
  if (!answer.ok) throw new Error(answer.status);
  return answer.json();
}

async function refresh() {
  clearTimeout(timer);
  if (asking || document.hidden) return;
  asking = true;
  try {
    show(await ask());
  } catch {
    head("lost", "Connexion perdue, nouvel essai…", true);
  }
  asking = false;
  if (!document.hidden) timer = setTimeout(refresh, EVERY_MS);
}

document.addEventListener("visibilitychange", refresh);
setInterval(tick, 1000);
refresh();
