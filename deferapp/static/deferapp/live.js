/*
 * Keeps the regions of a page up to date: elements with `data-deferapp-live` and an id. The page is fetched again from
 * its own address, and each region is replaced that differs. A region in which somebody is at something (the focus, a
 * selection, an opened detail, a pointer on a chart) stays as it is until they are done. Rests while the tab is hidden
 * or paused, asks less often while there is no answer, and ends when there is nothing left to refresh.
 */

const EVERY = 5_000; // milliseconds
const LONGEST = 60_000;
const PATIENCE = 20_000;
const REGION = "[data-deferapp-live][id]";
const PAUSED = "deferapp.live.paused";

const control = document.querySelector("[data-deferapp-live-control]");
let wait = EVERY;
let timer;
let isPaused = recall();
let isAsking = false;
let isOver = false;

function recall() {
  try {
    return sessionStorage.getItem(PAUSED) === "yes";
  } catch {
    return false; // storage is refused
  }
}

function remember() {
  try {
    sessionStorage.setItem(PAUSED, isPaused ? "yes" : "no");
  } catch {
    // For this page alone, then.
  }
}

function show(state) {
  if (!control) return;
  control.hidden = false;
  control.dataset.state = state;
  control.setAttribute("aria-pressed", String(!isPaused));
  control.querySelector("[data-text]").textContent =
    { live: control.dataset.live, paused: control.dataset.paused, lost: control.dataset.lost, over: control.dataset.signedOut }[state];
}

function regionsOf(page) {
  return new Map([...page.querySelectorAll(REGION)].map((region) => [region.id, region]));
}

function isInUse(region) {
  const selection = document.getSelection();
  return (
    region.contains(document.activeElement) ||
    region.querySelector("details[open]:not([data-deferapp-open]), svg a:hover, svg g:hover, dialog[open]") !== null ||
    (selection !== null && !selection.isCollapsed && region.contains(selection.anchorNode))
  );
}

/* A page whose regions are others (the first execution, a permission) is loaded anew. */
function update(page) {
  const fresh = regionsOf(page);
  const old = regionsOf(document);
  const isSame = old.size === fresh.size && [...old.keys()].every((id) => fresh.has(id));
  const isFree = ![...old.values()].some(isInUse);
  if (!isSame && fresh.size && isFree) {
    location.reload();
    return;
  }
  for (const [id, region] of old) {
    const next = fresh.get(id) ?? page.getElementById(id); // one that has ended is shown as it is in the end
    if (next && !region.isEqualNode(next) && !isInUse(region)) region.replaceWith(document.adoptNode(next));
    if (!next && !fresh.size) region.removeAttribute("data-deferapp-live");
  }
}

async function ask() {
  const response = await fetch(location.href, {
    headers: { "X-Deferapp-Live": "1" },
    cache: "no-store",
    credentials: "same-origin",
    signal: AbortSignal.timeout(PATIENCE),
  });
  if (response.redirected || response.status === 403 || response.status === 404) return null;
  if (!response.ok) throw new Error(String(response.status));
  return new DOMParser().parseFromString(await response.text(), "text/html");
}

async function refresh() {
  isAsking = true;
  try {
    const page = await ask();
    if (isPaused || document.hidden) return;
    if (page === null) {
      isOver = true;
      show("over");
      return;
    }
    update(page);
    wait = EVERY;
    show("live");
    if (control) control.hidden = !document.querySelector(REGION);
  } catch {
    wait = Math.min(wait * 2, LONGEST);
    if (!isPaused) show("lost");
  } finally {
    isAsking = false;
    plan();
  }
}

function plan(soon = false) {
  clearTimeout(timer);
  if (isOver || isPaused || isAsking || document.hidden || !document.querySelector(REGION)) return;
  timer = setTimeout(refresh, soon ? 0 : wait);
}

function toggle() {
  isPaused = !isPaused;
  remember();
  show(isPaused ? "paused" : "live");
  plan(true);
}

if (document.querySelector(REGION)) {
  control?.addEventListener("click", toggle);
  document.addEventListener("visibilitychange", () => plan(true));
  show(isPaused ? "paused" : "live");
  plan();
}
