// The list of runs: ticks all that are shown, and counts.

const form = document.getElementById("runs");
const every = document.getElementById("tick-all");
const boxes = form ? [...form.querySelectorAll("input[name=run]")] : [];

function count() {
  const ticked = boxes.filter((box) => box.checked).length;
  every.checked = ticked === boxes.length;
  every.indeterminate = 0 < ticked && ticked < boxes.length;
  const noun = ticked === 1 ? "run" : "runs";
  document.getElementById("ticked").textContent = `With the ${ticked} ticked ${noun}:`;
}

if (form) {
  every.hidden = false;
  every.addEventListener("change", () => {
    for (const box of boxes) box.checked = every.checked;
    count();
  });
  for (const box of boxes) box.addEventListener("change", count);
  count();
}
