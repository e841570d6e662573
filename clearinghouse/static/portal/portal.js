// Comforts only: every page works without this file.
"use strict";

// The switcher needs no button where a script can send it.
for (const select of document.querySelectorAll("form.switch select")) {
  select.addEventListener("change", () => select.form.requestSubmit());
  select.form.querySelector("button").hidden = true;
}

// "Choose all on this page" above a list that can be decided in bulk, and how many are chosen.
for (const form of document.querySelectorAll("form.bulk")) {
  const boxes = [...form.querySelectorAll("input[name=sdr]")];
  const all = form.querySelector("input.all");
  const count = form.querySelector("output");
  if (!all || !boxes.length) continue;
  all.closest("label").hidden = false;
  const tell = () => {
    const chosen = boxes.filter((box) => box.checked).length;
    if (count) count.textContent = chosen ? String(chosen) : "";
    all.checked = chosen === boxes.length;
    all.indeterminate = chosen > 0 && chosen < boxes.length;
  };
  all.addEventListener("change", () => {
    for (const box of boxes) box.checked = all.checked;
    tell();
  });
  form.addEventListener("change", tell);
  tell();
}
