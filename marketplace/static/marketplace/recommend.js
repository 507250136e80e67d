// Asks for recommendations, looks again and again how far they are, and shows them.

const FIRST_LOOK_MS = 250;
const LAST_LOOK_MS = 2000; // looks become rarer, up to this
const PATIENCE_MS = 5000; // after so long without a worker it is worth a word
const LOST_LOOKS = 5; // so many in a row may fail before we give up

const WORDS = {
  asking: "Asking …",
  created: "Waiting for a worker …",
  waiting: "Still waiting – is a worker running?", // what we call created after a while
  started: "Looking through purchases …",
  failed: "That did not work.",
  discarded: "Nobody got to it in time.",
  cancelled: "It was cancelled.",
  aborting: "It is being stopped …",
  aborted: "It was stopped.",
};
const STEP = { created: "created", waiting: "created", started: "started", aborting: "started" };
const ENDED = new Set(["succeeded", "failed", "discarded", "cancelled", "aborted"]);

const form = document.querySelector("form.ask");
const button = form?.querySelector("button");
const progress = document.querySelector(".progress");
const words = document.querySelector(".words");
const hint = document.querySelector(".hint");
const result = document.querySelector(".result");

/** What the visitor is told when there will be no products, and the state that it ended in. */
class Problem extends Error {
  constructor(message, state = "failed") {
    super(message);
    this.state = state;
  }
}

form?.addEventListener("submit", async (event) => {
  event.preventDefault();
  if (button.ariaDisabled === "true") return;
  button.ariaDisabled = "true";
  result.hidden = true;
  try {
    await recommend();
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    show(error.state, error.message);
  } finally {
    button.ariaDisabled = "false";
  }
});

async function recommend() {
  show("asking");
  const since = performance.now();
  let execution = await ask();
  for (let wait = FIRST_LOOK_MS; !ENDED.has(execution.state); wait = Math.min(wait * 1.2, LAST_LOOK_MS)) {
    const isLong = performance.now() - since > PATIENCE_MS;
    show(execution.state === "created" && isLong ? "waiting" : execution.state);
    await new Promise((resolve) => setTimeout(resolve, wait));
    execution = await look(execution.id);
  }
  if (execution.state === "succeeded") showProducts(execution.result);
  else throw new Problem(`${WORDS[execution.state]} Please try again. (${execution.error})`, execution.state);
}

async function ask() {
  const response = await send(form.action, {
    method: "POST",
    headers: { "Content-Type": "application/json", "X-CSRFToken": form.elements.csrfmiddlewaretoken.value },
    body: JSON.stringify({ household: Number(form.elements.household.value) }),
  });
  if (!response) throw new Problem("The shop cannot be reached. Please try again.");
  return answer(response);
}

async function look(id) {
  for (let lost = 0; lost < LOST_LOOKS; lost++) {
    const response = await send(`${form.action}${id}/`);
    if (response && response.status < 500) return answer(response);
    await new Promise((resolve) => setTimeout(resolve, LAST_LOOK_MS));
  }
  throw new Problem("The shop cannot be reached any more. Please try again.");
}

/** The response, or nothing if the network fails. */
async function send(url, options) {
  return fetch(url, options).catch(() => undefined);
}

async function answer(response) {
  // Django's own refusals, such as that of an old CSRF token, are pages.
  const content = await response.json().catch(() => ({}));
  if (response.ok) return content;
  throw new Problem(content.error ?? `The shop refused (${response.status}). Please load the page again.`);
}

function show(state, text = WORDS[state]) {
  progress.dataset.state = state;
  hint.hidden = state !== "waiting";
  // The same words once more would be read aloud once more.
  if (words.textContent !== text) words.textContent = text;
  const current = ENDED.has(state) ? "ended" : STEP[state];
  for (const step of progress.querySelectorAll("[data-step]")) {
    step.ariaCurrent = step.dataset.step === current ? "step" : null;
  }
  progress.querySelector('[data-step="ended"]').textContent = ENDED.has(state) ? state : "succeeded";
}

function showProducts({ customer, products }) {
  show("succeeded", `${products.length} products for ${customer}.`);
  result.querySelector("h2").textContent = `Picked for ${customer}`;
  result.querySelector("ol").replaceChildren(...products.map(item));
  result.hidden = false;
}

function item({ name, category, size, is_store_brand: isStoreBrand, price }) {
  const about = [category, size, isStoreBrand ? "store brand" : ""].filter(Boolean).join(" · ");
  const line = document.createElement("li");
  line.append(part("strong", name), part("span", about, "about"), part("span", price ? `$${price}` : "", "price"));
  return line;
}

function part(tag, text, className = "") {
  const element = document.createElement(tag);
  element.textContent = text;
  element.className = className;
  return element;
}
