// A run's curves: scale, smoothing and axis are chosen in a form, and kept in the address.

const view = document.getElementById("view");
const shownOf = new URLSearchParams(location.search);
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
const UNITS = {
  loss: "loss [nats]",
  accuracy: "accuracy [%]",
  firing_rate: "spikes per neuron and step",
  gradient_norm: "norm of the gradient",
};
const COLOURS = ["#2f87d0", "#d98200", "#0f9d75", "#c2589b", "#8a7ae6", "#b8860b", "#56b4e9", "#cc4f39"];
const DASHES = ["solid", "dash", "dashdot", "longdash"];
const AXES = { epoch: "epoch", updates: "updates of the weights", time: "training time [s]" };
const known = { curves: {}, layers: {} };

function chosen() {
  const form = new FormData(view);
  return { log: form.get("y") === "log", axis: form.get("x"), smooth: Number(form.get("smooth")) };
}

// Where an epoch lies along the chosen axis; time is what the epochs took, added up.
function placing(axis) {
  if (axis === "updates") return (epoch) => epoch * Number(view.dataset.batches);
  if (axis !== "time") return (epoch) => epoch;
  const ends = new Map();
  let total = 0;
  for (const [epoch, seconds] of known.curves.seconds ?? []) ends.set(epoch, (total += seconds ?? 0));
  return (epoch) => ends.get(epoch) ?? null;
}

// An exponential moving average that does not begin at 0; a missing number changes nothing.
function smoothed(values, weight) {
  let sum = 0;
  let mass = 0;
  return values.map((value) => {
    if (value === null) return null;
    sum = weight * sum + (1 - weight) * value;
    mass = weight * mass + (1 - weight);
    return sum / mass;
  });
}

function traces(points, look, { axis, smooth }) {
  const place = placing(axis);
  const at = points.map((point) => place(point[0]));
  const raw = points.map((point) => point[1]);
  const mode = points.length > 60 ? "lines" : "lines+markers";
  const line = { color: look.color, dash: look.dash, width: 2 };
  const marker = { symbol: look.symbol, size: look.symbol === "star" ? 13 : 6 };
  const shared = { x: at, name: look.name, legendgroup: look.name, line, marker, mode };
  const hovertemplate = `%{x:.6~g}: %{y:.4~g}<extra>${look.name}</extra>`;
  if (!smooth || points.length < 3) return [{ ...shared, y: raw, hovertemplate }];
  return [
    { ...shared, y: raw, opacity: 0.3, showlegend: false, hoverinfo: "skip" },
    { ...shared, y: smoothed(raw, smooth), mode: "lines", hovertemplate },
  ];
}

function draw(chart, data, empty) {
  const { log, axis } = chosen();
  const last = Math.max(1, ...data.flatMap((trace) => trace.x));
  const layout = {
    margin: { l: 56, r: 12, t: 8, b: 44 },
    paper_bgcolor: "transparent",
    plot_bgcolor: "transparent",
    font: { family: "system-ui, sans-serif", size: 13 },
    xaxis: { title: { text: AXES[axis] }, rangemode: "tozero", dtick: axis === "epoch" && last <= 12 ? 1 : undefined, automargin: true },
    yaxis: { title: { text: UNITS[chart] }, type: log ? "log" : "linear", automargin: true },
    showlegend: true,
    legend: { orientation: "h", y: 1.02, yanchor: "bottom" },
    uirevision: `${log}${axis}`,
    annotations: data.length ? [] : [{ text: empty, showarrow: false, xref: "paper", yref: "paper", x: 0.5, y: 0.5 }],
  };
  Plotly.react(chart, data, layout, OPTIONS);
}

function drawCurves(curves) {
  if (curves) known.curves = curves;
  for (const chart of ["loss", "accuracy"]) {
    const shown = Object.keys(LINES).filter((m) => LINES[m].chart === chart && known.curves[m]);
    const data = shown.flatMap((m) => traces(known.curves[m], LINES[m], chosen()));
    draw(chart, data, "waits for the first epoch");
  }
}

function drawLayers(layers) {
  if (layers) known.layers = layers;
  for (const chart of ["firing_rate", "gradient_norm"]) {
    const curves = Object.entries(known.layers[chart] ?? {});
    const data = curves.flatMap(([name, points], i) => {
      const dash = DASHES[Math.floor(i / COLOURS.length) % DASHES.length];
      return traces(points, { name, color: COLOURS[i % COLOURS.length], dash, symbol: "circle" }, chosen());
    });
    draw(chart, data, "nothing measured");
  }
}

function offer() {
  for (const [name, there] of [["updates", view.dataset.batches], ["time", known.curves.seconds]])
    view.querySelector(`[value=${name}]`).disabled = !there;
  if (view.elements.x.selectedOptions[0]?.disabled) view.elements.x.value = "epoch";
}

view.addEventListener("input", () => {
  const { log, axis, smooth } = chosen();
  const query = new URLSearchParams(location.search);
  for (const [name, value] of [["y", log ? "log" : ""], ["x", axis === "epoch" ? "" : axis], ["smooth", smooth || ""]])
    value ? query.set(name, value) : query.delete(name);
  history.replaceState({}, "", query.size ? `?${query}` : location.pathname);
  drawCurves();
  drawLayers();
});
view.addEventListener("submit", (event) => event.preventDefault());

for (const name of ["y", "x", "smooth"]) {
  const field = view.elements[name];
  const value = shownOf.get(name);
  if (value !== null && (!field.options || [...field.options].some((option) => option.value === value))) field.value = value;
}
known.curves = JSON.parse(document.getElementById("curves").textContent);
offer();
