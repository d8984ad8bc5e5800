// Turns a board without loading its page again. Its address says all that it shows: the table comes
// from the server, and Dash, which listens to the address, draws the charts anew.

(() => {
  const form = document.getElementById("filters");
  const plain = form.dataset.columns;
  const names = [...new Set([...form.elements].map((field) => field.name).filter(Boolean))];
  let last = 0;

  async function show(address) {
    const turn = ++last;
    history.pushState({}, "", address);
    const part = document.getElementById("standings");
    part.setAttribute("aria-busy", "true");
    const answer = await fetch(location.href, { headers: { "X-Part": "standings" } }).catch(() => 0);
    if (!answer && turn === last) return unreached(part);
    if (!answer) return;
    if (!answer.ok || answer.redirected) return location.reload();
    const text = await answer.text();
    if (turn !== last) return;
    const focused = document.activeElement?.id;
    part.outerHTML = text;
    if (focused) document.getElementById(focused)?.focus();
    window.dispatchEvent(new CustomEvent("_dashprivate_pushstate"));
  }

  function unreached(part) {
    part.removeAttribute("aria-busy");
    document.getElementById("count").textContent =
      "The lab does not answer: this is the table from before. Load the page again.";
  }

  function address() {
    const query = new URLSearchParams(location.search);
    const chosen = new FormData(form);
    const columns = chosen.getAll("columns").join(",");
    for (const name of [...names, "page"]) if (name !== "sort") query.delete(name);
    for (const [name, value] of chosen)
      if (value && !["sort", "columns"].includes(name)) query.append(name, value);
    if (columns !== plain) query.set("columns", columns);
    return `?${query.toString().replaceAll("%2C", ",")}`;
  }

  if (matchMedia("(max-width: 40rem)").matches) form.querySelector("details").open = false;

  let waiting;
  function turn(after) {
    clearTimeout(waiting);
    waiting = setTimeout(() => address() !== (location.search || "?") && show(address()), after);
  }
  form.addEventListener("change", () => turn(0));
  form.addEventListener("input", (event) => event.target.type === "search" && turn(300));
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    turn(0);
  });
  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[data-turn]");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
    event.preventDefault();
    show(link.getAttribute("href"));
  });
  window.addEventListener("popstate", () => location.reload());
})();
