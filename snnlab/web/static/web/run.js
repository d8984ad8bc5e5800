// A run's page, kept fresh: asks every two seconds until the run has ended.

const page = document.getElementById("run");
const log = document.getElementById("log");
const offline = document.getElementById("offline");
const PERIOD = 2000;
const layers = document.getElementById("layers");
let measured = "";

function put(id, html) {
  const element = document.getElementById(id);
  if (element.dataset.html === html) return; // leave focus and screen readers in peace
  element.dataset.html = html;
  element.innerHTML = html;
}

function showLog(text) {
  if (log.textContent === text || !text) return;
  const follows = log.scrollTop + log.clientHeight >= log.scrollHeight - 8;
  log.textContent = text;
  if (follows) log.scrollTop = log.scrollHeight;
}

function tell(state) {
  if (page.dataset.state === state) return; // progress is seen; only a change of state is said
  page.dataset.state = state;
  document.getElementById("told").textContent = `The run is ${state}.`;
}

function show(answer) {
  tell(answer.state);
  for (const [id, html] of Object.entries(answer.pieces)) put(id, html);
  view.dataset.batches = answer.batches ?? "";
  drawCurves(answer.curves);
  offer();
  freshLayers(answer.curves);
  showLog(answer.log);
}

// The curves of layers are many: they are fetched once somebody sees them, and after each epoch.
async function freshLayers(curves) {
  const last = Object.values(curves).map((points) => points.at(-1)?.[0]).join();
  if (!layers.dataset.seen || last === measured) return;
  measured = last;
  const answer = await fetch(layers.dataset.layers, { headers: { Accept: "application/json" } });
  if (answer.ok && !answer.redirected) drawLayers((await answer.json()).curves);
}

async function ask() {
  const answer = await fetch(page.dataset.live, { headers: { Accept: "application/json" } });
  if (answer.redirected || answer.status === 404) return location.reload(); // signed out, or gone
  if (!answer.ok) throw new Error(answer.status);
  return answer.json();
}

async function follow() {
  let ended = false;
  try {
    const answer = await ask();
    if (!answer) return;
    show(answer);
    ended = answer.terminal;
    offline.hidden = true;
  } catch {
    offline.hidden = false;
  }
  if (ended) document.dispatchEvent(new CustomEvent("ended"));
  else setTimeout(document.hidden ? waitUntilSeen : follow, PERIOD);
}

function waitUntilSeen() {
  if (!document.hidden) return follow();
  document.addEventListener("visibilitychange", follow, { once: true });
}

log.scrollTop = log.scrollHeight;
drawCurves();
new IntersectionObserver(
  (entries, seeing) => {
    if (!entries.some((entry) => entry.isIntersecting)) return;
    seeing.disconnect();
    layers.dataset.seen = "yes";
    freshLayers(known.curves);
  },
  { rootMargin: "300px" },
).observe(layers);
if (page.dataset.terminal !== "true") setTimeout(follow, PERIOD);
