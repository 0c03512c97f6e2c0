// The last ten minutes, as lines and as the table behind them.

const dashed = (context) => (context.p1DataIndex === context.chart.data.labels.length - 1 ? [5, 4] : undefined);

export function chart(write) {
  const { Chart } = window;
  const canvas = document.getElementById("chart");
  const line = (label, axis) => ({ label, data: [], yAxisID: axis, cubicInterpolationMode: "monotone", borderWidth: 2, pointRadius: 0, pointHitRadius: 16, segment: { borderDash: dashed } });
  const drawn = new Chart(canvas, {
    type: "line",
    data: { labels: [], datasets: [line("Impressions", "count"), line("Watching", "count"), line("Revenue", "money")] },
    options: {
      animation: false,
      maintainAspectRatio: false,
      interaction: { mode: "index", intersect: false },
      scales: {
        x: { ticks: { maxRotation: 0, autoSkipPadding: 16 } },
        count: { position: "left", beginAtZero: true, suggestedMax: 4, ticks: { precision: 0, maxTicksLimit: 6 } },
        money: {
          position: "right",
          beginAtZero: true,
          suggestedMax: 100000,
          grid: { drawOnChartArea: false },
          ticks: { maxTicksLimit: 6, callback: (micros) => write.money(micros) },
        },
      },
      plugins: {
        legend: { align: "start", labels: { usePointStyle: true, pointStyle: "line", boxWidth: 28 } },
        tooltip: { callbacks: { label: (item) => `${item.dataset.label}: ${write.value(item.raw, item.dataset.yAxisID)}` } },
      },
    },
  });
  paint(drawn);
  return {
    draw: (series) => {
      drawn.data.labels = series.minutes.map(write.minute);
      [series.impressions, series.active_sessions, series.revenue].forEach((values, index) => (drawn.data.datasets[index].data = values));
      drawn.update("none");
      table(series, write);
    },
    repaint: () => {
      paint(drawn);
      drawn.update("none");
    },
  };
}

// Colours come from the style sheet, so that themes stay in one place.
function paint(drawn) {
  const style = getComputedStyle(document.documentElement);
  const token = (name) => style.getPropertyValue(name).trim();
  ["--series-1", "--series-2", "--series-3"].forEach((name, index) => {
    drawn.data.datasets[index].borderColor = drawn.data.datasets[index].backgroundColor = token(name);
  });
  for (const scale of Object.values(drawn.options.scales)) {
    scale.ticks.color = token("--ink-3");
    scale.grid = { ...scale.grid, color: token("--line") };
    scale.border = { color: token("--line") };
  }
  drawn.options.plugins.legend.labels.color = token("--ink-2");
}

function table(series, write) {
  const rows = series.minutes.map((minute, index) => {
    const row = document.createElement("tr");
    const head = Object.assign(document.createElement("th"), { scope: "row", textContent: write.minute(minute) });
    const cells = [write.count(series.impressions[index]), write.count(series.active_sessions[index]), write.money(series.revenue[index])];
    row.append(head, ...cells.map((text) => Object.assign(document.createElement("td"), { textContent: text })));
    return row;
  });
  document.querySelector("#series tbody").replaceChildren(...rows.reverse());
}
