// A run's page, kept fresh: asks every two seconds until the run has ended.

const page = document.getElementById("run");
const log = document.getElementById("log");
const offline = document.getElementById("offline");
const PERIOD = 2000;
const OPTIONS = {
  displaylogo: false,
  showSendToCloud: false,
  plotlyServerURL: "",
  responsive: true,
  modeBarButtonsToRemove: ["select2d", "lasso2d", "autoScale2d"],
};
const LINES = {
  loss: { chart: "loss", name: "training", color: "#2f87d0", dash: "solid", symbol: "circle" },
  validation_loss: { chart: "loss", name: "validation", color: "#d98200", dash: "dash", symbol: "square" },
  test_loss: { chart: "loss", name: "test", color: "#0f9d75", dash: "dot", symbol: "star" },
  accuracy: { chart: "accuracy", name: "validation", color: "#d98200", dash: "dash", symbol: "square" },
  test_accuracy: { chart: "accuracy", name: "test", color: "#0f9d75", dash: "dot", symbol: "star" },
};
const UNITS = { loss: "loss [nats]", accuracy: "accuracy [%]" };

function trace(metric, points) {
  const { name, color, dash, symbol } = LINES[metric];
  return {
    x: points.map((point) => point[0]),
    y: points.map((point) => point[1]),
    name,
    mode: "lines+markers",
    line: { color, dash, width: 2 },
    marker: { symbol, size: symbol === "star" ? 13 : 7 },
    hovertemplate: "epoch %{x}: %{y:.4~g}<extra>" + name + "</extra>",
  };
}

function draw(curves) {
  for (const chart of ["loss", "accuracy"]) {
    const shown = Object.keys(LINES).filter((m) => LINES[m].chart === chart && curves[m]);
    const traces = shown.map((metric) => trace(metric, curves[metric]));
    const layout = {
      margin: { l: 56, r: 12, t: 8, b: 44 },
      paper_bgcolor: "transparent",
      plot_bgcolor: "transparent",
      font: { family: "system-ui, sans-serif", size: 13 },
      xaxis: { title: { text: "epoch" }, rangemode: "tozero", dtick: spacing(traces), automargin: true },
      yaxis: { title: { text: UNITS[chart] }, automargin: true },
      showlegend: true,
      legend: { orientation: "h", y: 1.02, yanchor: "bottom" },
      uirevision: "kept",
      annotations: traces.length ? [] : [{ text: "waits for the first epoch", showarrow: false, xref: "paper", yref: "paper", x: 0.5, y: 0.5 }],
    };
    Plotly.react(chart, traces, layout, OPTIONS);
  }
}

function spacing(traces) {
  const last = Math.max(1, ...traces.flatMap((t) => t.x));
  return last <= 12 ? 1 : undefined;
}

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
  draw(answer.curves);
  showLog(answer.log);
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
  if (!ended) setTimeout(document.hidden ? waitUntilSeen : follow, PERIOD);
}

function waitUntilSeen() {
  if (!document.hidden) return follow();
  document.addEventListener("visibilitychange", follow, { once: true });
}

log.scrollTop = log.scrollHeight;
draw(JSON.parse(document.getElementById("curves").textContent));
if (page.dataset.terminal !== "true") setTimeout(follow, PERIOD);
