// A choice is shown at once; without scripts the button does it.
for (const form of document.querySelectorAll("form.filters"))
  form.addEventListener("change", () => form.requestSubmit());
