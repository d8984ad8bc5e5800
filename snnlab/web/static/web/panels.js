// Parts of a page that are fetched when they come near to what is seen.

const REFRESH = 15000;

async function fetchPanel(panel) {
  const answer = await fetch(panel.dataset.panel);
  if (answer.redirected) return location.reload(); // signed out
  if (!answer.ok) throw new Error(answer.status);
  const html = await answer.text();
  if (!panel.contains(document.activeElement)) panel.innerHTML = html; // leave focus in peace
  panel.removeAttribute("aria-busy");
}

async function open(panel) {
  try {
    await fetchPanel(panel);
  } catch {
    panel.removeAttribute("aria-busy");
    panel.innerHTML = '<p class="notice bad" role="status">The server does not answer. <button type="button" data-again>Try again</button></p>';
  }
}

const near = new IntersectionObserver(
  (entries) => {
    for (const { target, isIntersecting } of entries) {
      if (!isIntersecting) continue;
      near.unobserve(target);
      target.dataset.opened = "";
      open(target);
    }
  },
  { rootMargin: "300px" },
);
for (const panel of document.querySelectorAll("[data-panel]")) near.observe(panel);

document.addEventListener("click", async (event) => {
  const again = event.target.closest("[data-again]");
  if (again) return open(again.closest("[data-panel]"));
  const copy = event.target.closest("[data-copy]");
  if (!copy) return;
  const source = document.getElementById(copy.dataset.copy);
  try {
    await navigator.clipboard.writeText(source.textContent);
    copy.textContent = "Copied";
  } catch { // no clipboard without a secure connection: the text is marked, to be copied by hand
    getSelection().selectAllChildren(source);
  }
});

// While a run goes on its parts change; once it has ended they are fetched a last time.
const openPanels = (only = "") => document.querySelectorAll(`[data-panel]${only}[data-opened]`);
const live = document.querySelector("[data-terminal=false]");
if (live) {
  const turn = setInterval(() => document.hidden || openPanels("[data-changes]").forEach(open), REFRESH);
  document.addEventListener("ended", () => {
    clearInterval(turn);
    openPanels().forEach(open);
  });
}
