// The charts of a sweep's page: drawn from what the server computed, and again when it has news.

const OPTIONS = {
  displaylogo: false,
  showSendToCloud: false,
  plotlyServerURL: "",
  responsive: true,
  modeBarButtonsToRemove: ["select2d", "lasso2d", "autoScale2d"],
};

function draw(charts) {
  for (const [id, { data, layout }] of Object.entries(charts)) {
    if (document.getElementById(id)) Plotly.react(id, data, layout, OPTIONS);
  }
}

document.addEventListener("fresh", ({ detail }) => {
  const page = document.getElementById("sweep");
  page.dataset.live = page.dataset.live.replace(/seen=[^&]*/, `seen=${detail.stamp}`);
  if (detail.charts) draw(detail.charts);
});

draw(JSON.parse(document.getElementById("charts").textContent));
