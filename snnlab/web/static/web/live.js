// A page whose pieces stay fresh: asks every few seconds for the HTML of those that changed.

const live = document.querySelector("[data-live]");
const offline = live.querySelector("[data-offline]");
const PERIOD = 3000;

function put(id, html) {
  const element = document.getElementById(id);
  const news = html.replace(/name="csrfmiddlewaretoken" value="[^"]*"/g, ""); // new each time
  if (element.dataset.html === news || element.contains(document.activeElement)) return; // leave focus in peace
  element.dataset.html = news;
  element.innerHTML = html;
}

async function ask() {
  const answer = await fetch(live.dataset.live, { headers: { Accept: "application/json" } });
  if (answer.redirected) return location.reload(); // signed out
  if (!answer.ok) throw new Error(answer.status);
  const news = await answer.json();
  for (const [id, html] of Object.entries(news.pieces)) put(id, html);
  document.dispatchEvent(new CustomEvent("fresh", { detail: news })); // for what draws charts
}

async function follow() {
  try {
    await ask();
    offline.hidden = true;
  } catch {
    offline.hidden = false;
  }
  setTimeout(document.hidden ? waitUntilSeen : follow, PERIOD);
}

function waitUntilSeen() {
  if (!document.hidden) return follow();
  document.addEventListener("visibilitychange", follow, { once: true });
}

setTimeout(follow, PERIOD);
