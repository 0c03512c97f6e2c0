// The delivery report's page: its chart, the search for values to limit it to, and the print button. Without it the form works as it is.
/* global Chart */

const COLOURS = ["#c98a1b", "#3b7dd8", "#2f9e6e", "#b4488f", "#7a5cd0", "#8a8f98"];

function format(spec) {
  if (spec.unit === "share") return new Intl.NumberFormat("en", { style: "percent", maximumFractionDigits: 2 });
  return new Intl.NumberFormat("en", { maximumFractionDigits: spec.unit === "money" ? 2 : 0 });
}

function draw() {
  const canvas = document.getElementById("report-chart");
  const data = document.getElementById("report-chart-data");
  if (!canvas || !data || !window.Chart) return;
  const spec = JSON.parse(data.textContent);
  const write = format(spec);
  const ink = getComputedStyle(canvas).color;
  const faint = `color-mix(in oklab, ${ink} 14%, transparent)`;
  const across = spec.kind === "bar" ? "x" : "y";
  const along = across === "x" ? "y" : "x";
  const scales = {
    [across]: { beginAtZero: true, ticks: { color: ink, callback: (value) => write.format(value) }, grid: { color: faint } },
    [along]: { ticks: { color: ink, autoSkip: true, maxRotation: 0 }, grid: { display: false } },
  };
  new Chart(canvas, {
    type: spec.kind,
    data: {
      labels: spec.labels,
      datasets: spec.series.map((one, place) => ({
        label: one.name || spec.label,
        data: one.values.map((value) => (value === null || value === undefined ? null : value / spec.scale)),
        backgroundColor: COLOURS[place % COLOURS.length],
        borderColor: COLOURS[place % COLOURS.length],
        borderWidth: spec.kind === "line" ? 2 : 0,
        pointRadius: spec.labels.length > 40 ? 0 : 3,
        spanGaps: false,
      })),
    },
    options: {
      animation: false,
      maintainAspectRatio: false,
      indexAxis: spec.kind === "bar" ? "y" : "x",
      scales,
      plugins: {
        legend: { display: spec.series.length > 1, labels: { color: ink, boxWidth: 12 } },
        tooltip: { callbacks: { label: (item) => `${item.dataset.label}: ${write.format(item.parsed[across])}` } },
      },
    },
  });
}

/** Values found by a part of their name; choosing one adds it to the form, checked. */
function searchable(box) {
  const input = box.querySelector("input[type=search]");
  const chips = box.querySelector(".chips");
  const list = document.createElement("ul");
  list.className = "report-options";
  list.hidden = true;
  input.closest("label").after(list);
  let asked = 0;
  let waiting = 0;

  function choose(option) {
    if (!chips.querySelector(`input[value="${CSS.escape(option.value)}"]`)) {
      const chip = document.createElement("label");
      chip.className = "chip";
      const check = Object.assign(document.createElement("input"), { type: "checkbox", name: box.dataset.of, value: option.value, checked: true });
      const words = document.createElement("span");
      words.textContent = option.name;
      chip.append(check, words);
      chips.append(chip);
    }
    input.value = "";
    list.hidden = true;
    input.focus();
  }

  async function ask() {
    const mine = ++asked;
    const answer = await fetch(`${box.dataset.options}?${new URLSearchParams({ of: box.dataset.of, q: input.value })}`);
    if (!answer.ok || mine !== asked) return;
    const { options } = await answer.json();
    list.replaceChildren(...options.map((option) => {
      const button = Object.assign(document.createElement("button"), { type: "button", textContent: option.name });
      button.addEventListener("click", () => choose(option));
      const item = document.createElement("li");
      item.append(button);
      return item;
    }));
    if (!options.length) list.append(Object.assign(document.createElement("li"), { textContent: "Nothing is called so." }));
    list.hidden = false;
  }

  input.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(ask, 180);
  });
  input.addEventListener("focus", ask);
  input.addEventListener("keydown", (event) => {
    if (event.key === "Escape") list.hidden = true;
    if (event.key === "Enter") {
      event.preventDefault();
      list.querySelector("button")?.click();
    }
  });
  document.addEventListener("click", (event) => {
    if (!box.contains(event.target)) list.hidden = true;
  });
}

/** An empty choice would stand in the address; days are told only where the period is theirs. */
function tidy(form) {
  const period = form.elements.period;
  for (const day of form.querySelectorAll("input[type=date]")) {
    day.addEventListener("input", () => { period.value = "custom"; });
  }
  form.addEventListener("formdata", ({ formData }) => {
    const by = formData.getAll("by").filter(Boolean);
    formData.delete("by");
    formData.set("by", by.join(","));
    const show = formData.getAll("show");
    formData.delete("show");
    if (show.length) formData.set("show", show.join(","));
    if (period.value !== "custom") {
      formData.delete("from");
      formData.delete("to");
    }
    if (formData.get("audience") === "all") formData.delete("audience");
  });
}

draw();
document.querySelectorAll(".report-filter").forEach(searchable);
const form = document.getElementById("report-form");
if (form) tidy(form);
document.querySelectorAll("[data-print]").forEach((button) => button.addEventListener("click", () => window.print()));
