"use strict";
// The page is complete without this: it adds a switch for light and dark, and tables that sort.
(() => {
  const root = document.documentElement;
  const theme = document.getElementById("theme");
  const dark = () => root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  const label = () => { theme.textContent = dark() ? "Light" : "Dark"; theme.setAttribute("aria-label", dark() ? "Show in light colours" : "Show in dark colours"); };
  theme.hidden = false;
  theme.addEventListener("click", () => { root.dataset.theme = dark() ? "light" : "dark"; label(); });
  label();

  const open = () => {
    const there = location.hash && document.getElementById(location.hash.slice(1));
    const details = there && there.closest("details.run");
    if (details) { details.open = true; there.scrollIntoView(); }
  };
  addEventListener("hashchange", open);
  open();
  addEventListener("beforeprint", () => { for (const one of document.querySelectorAll("details.run")) one.open = true; });

  for (const filters of document.querySelectorAll(".filters")) {
    const figures = [...filters.parentElement.querySelectorAll(".gallery figure")];
    const selects = [...filters.querySelectorAll("select")];
    const values = (figure, name) => JSON.parse(figure.dataset[name]);
    const apply = () => {
      let left = 0;
      for (const figure of figures) {
        const fits = selects.every((one) => !one.value || values(figure, one.dataset.filter).includes(one.value));
        figure.hidden = !fits;
        left += fits;
      }
      filters.querySelector("[role=status]").textContent = `${left} of ${figures.length} pictures`;
    };
    for (const select of selects) {
      const names = new Set(figures.flatMap((figure) => values(figure, select.dataset.filter)));
      for (const name of [...names].sort()) select.append(new Option(name, name));
      select.addEventListener("change", apply);
    }
    filters.hidden = false;
    apply();
  }

  const text = (row, place) => row.cells[place].textContent.trim().replace(/,/g, "");
  const sort = (table, place, button) => {
    const up = button.parentElement.getAttribute("aria-sort") === "descending";
    for (const head of table.tHead.rows[0].cells) head.removeAttribute("aria-sort");
    button.parentElement.setAttribute("aria-sort", up ? "ascending" : "descending");
    const rows = [...table.tBodies[0].rows];
    rows.sort((a, b) => {
      const [one, other] = [text(a, place), text(b, place)];
      const [x, y] = [parseFloat(one), parseFloat(other)];
      if (isNaN(x) && isNaN(y)) return one.localeCompare(other) * (up ? -1 : 1);
      if (isNaN(x) || isNaN(y)) return isNaN(x) ? 1 : -1;
      return (x - y) * (up ? 1 : -1);
    });
    table.tBodies[0].append(...rows);
  };
  for (const table of document.querySelectorAll("table.sortable")) {
    [...table.tHead.rows[0].cells].forEach((head, place) => {
      if (head.classList.contains("wide")) return;
      const button = document.createElement("button");
      button.type = "button";
      button.append(...head.childNodes);
      head.append(button);
      button.addEventListener("click", () => sort(table, place, button));
    });
  }
})();
