// The new-experiment form: swaps the fields of the chosen kind, and keeps TOML and fields in step.
// The server reads both; this file only asks it and shows what it said.

const form = document.getElementById("new");
const fields = document.getElementById("fields");
const toml = document.getElementById("toml");
const chip = document.getElementById("chip-check");
const ASKS = ["toml", "source", "seeds", "team"]; // what else the answer depends on
let latest = 0;
let waiting;
let asked = false; // about a chip, once: from then on the answer follows the definition

function source() {
  return form.elements.source.value;
}

function showChosenKind(select) {
  for (const kind of select.closest("fieldset").querySelectorAll(":scope > fieldset[data-kind]")) {
    kind.hidden = kind.disabled = kind.dataset.kind !== select.value;
  }
}

function showProblems(problems) {
  for (const place of fields.querySelectorAll("[data-place]")) {
    const field = place.closest(".field")?.querySelector("input, select");
    const at = place.dataset.place; // a part's problem stands at its kind
    const text = problems[at] ?? problems[at.replace(/\.kind$/, "")] ?? "";
    if (place.textContent !== text) place.textContent = text;
    field?.setAttribute("aria-invalid", text ? "true" : "false");
  }
}

function showVerdict(answer) {
  const lines = answer.elsewhere.map((text) => {
    const line = document.createElement("p");
    line.className = "problem";
    line.textContent = text;
    return line;
  });
  const digest = document.createElement("p");
  digest.className = "help";
  digest.textContent = answer.verdict;
  document.getElementById("verdict").replaceChildren(digest, ...lines);
}

function show(answer) {
  if (source() === "fields") toml.value = answer.toml;
  else if (answer.fields) fields.innerHTML = answer.fields;
  showProblems(answer.problems);
  showVerdict(answer);
  const known = document.getElementById("known");
  if (known.innerHTML !== answer.known) known.innerHTML = answer.known;
  if (asked || namesChip()) checkChip();
}

function namesChip() {
  return source() === "fields" && form.elements["spec.chip.kind"]?.value === "emulated";
}

async function checkChip() {
  asked = true;
  const mine = latest;
  const body = new FormData(form);
  const answer = await fetch(chip.dataset.check, { method: "POST", body }).catch(() => null);
  if (mine !== latest || !answer?.ok || answer.redirected) return;
  const { html, problems } = await answer.json();
  document.getElementById("chip-answer").innerHTML = html;
  if (Object.keys(problems).length) showProblems(problems);
}

async function preview() {
  const mine = ++latest;
  const body = new FormData(form);
  const answer = await fetch(form.dataset.preview, { method: "POST", body }).catch(() => null);
  if (mine !== latest) return; // a newer question is on its way
  if (answer?.ok && !answer.redirected) show(await answer.json());
  else showVerdict({ verdict: "", elsewhere: ["The server does not answer: what you see may be old."] });
}

function previewSoon() {
  clearTimeout(waiting);
  waiting = setTimeout(preview, 250);
}

function follow() {
  fields.disabled = source() === "toml";
  toml.readOnly = source() === "fields";
}

function changed(event) {
  if (event.target.matches("[data-choice]")) showChosenKind(event.target);
  if (event.target.name === "source") follow();
  if (event.target.name === "check_on") checkChip();
  if (fields.contains(event.target) || ASKS.includes(event.target.name)) previewSoon();
}

document.getElementById("check-chip")?.addEventListener("click", checkChip);
form.addEventListener("input", changed);
form.addEventListener("change", changed); // a select driven by assistive tools may send only this

window.addEventListener("pageshow", () => { // going back, a browser fills in what was there
  fields.querySelectorAll("select[data-choice]").forEach(showChosenKind);
  follow();
  if (namesChip()) checkChip();
});
