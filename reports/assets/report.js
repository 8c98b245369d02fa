// Draws the charts of the page from the numbers in #chart-data, in the colours of the style sheet.
"use strict";

// A fault leaves a mark in the page, where a test can see it.
window.addEventListener("error", (event) => {
  document.documentElement.dataset.scriptError = event.message;
});

const data = JSON.parse(document.getElementById("chart-data").textContent);
const charts = [];

function colour(name) {
  return getComputedStyle(document.documentElement).getPropertyValue("--" + name).trim();
}

// Three significant digits with an SI prefix, as in the tables.
function readable(value, unit) {
  if (unit === "share") return Math.round(value * 1000) / 10 + " %";
  const prefixed = ["B", "J", "s", "W"].includes(unit);
  const prefixes = unit === "B" ? ["", "k", "M", "G", "T", "P"]
    : ["n", "\u00b5", "m", "", "k", "M", "G"];
  let index = unit === "B" ? 0 : 3;
  let scaled = value;
  while (prefixed && value && Math.abs(scaled) >= 999.5 && index + 1 < prefixes.length &&
         !(unit === "s" && index === 3)) {
    scaled /= 1000;
    index += 1;
  }
  while (prefixed && value && Math.abs(scaled) < 1 && index > 0) {
    scaled *= 1000;
    index -= 1;
  }
  const digits = scaled.toLocaleString("en", {maximumSignificantDigits: 3});
  if (unit === "requests" || unit === "") return digits;
  return digits + " " + (prefixed ? prefixes[index] : "") + unit;
}

// A mark across the bars of each case at its limit.
const limitMarks = {
  id: "limitMarks",
  afterDatasetsDraw(chart, _, options) {
    const x = chart.scales.x;
    const y = chart.scales.y;
    const band = (y.bottom - y.top) / Math.max(1, chart.data.labels.length);
    chart.ctx.save();
    chart.ctx.strokeStyle = colour("ink");
    chart.ctx.lineWidth = 2;
    (options.limits || []).forEach((limit, i) => {
      if (limit === null || limit > x.max) return;
      const middle = y.getPixelForValue(i);
      chart.ctx.beginPath();
      chart.ctx.moveTo(x.getPixelForValue(limit), middle - band * 0.42);
      chart.ctx.lineTo(x.getPixelForValue(limit), middle + band * 0.42);
      chart.ctx.stroke();
    });
    chart.ctx.restore();
  },
};

// Long names break into lines of about `width` characters.
function lines(label, width) {
  const result = [""];
  label.split(" ").forEach((word) => {
    const last = result.length - 1;
    if (result[last] && result[last].length + word.length >= width) result.push(word);
    else result[last] += (result[last] ? " " : "") + word;
  });
  return result;
}

function datasets(chart) {
  return chart.series.map((series) => ({
    label: series.name,
    data: series.values,
    backgroundColor: colour(series.colour),
    borderColor: colour("page"),
    borderWidth: chart.stacked ? {right: 1} : 0,
    borderSkipped: false,
    maxBarThickness: 30,
    categoryPercentage: 0.75,
    barPercentage: chart.stacked ? 0.9 : 0.95,
  }));
}

function options(chart) {
  const text = colour("muted");
  const limits = chart.limits.filter((limit) => limit !== null);
  return {
    indexAxis: "y",
    animation: false,
    responsive: true,
    maintainAspectRatio: false,
    font: {family: getComputedStyle(document.body).fontFamily},
    interaction: {mode: "nearest", axis: "y", intersect: true},
    scales: {
      x: {
        stacked: chart.stacked,
        beginAtZero: true,
        suggestedMax: limits.length ? Math.max(...limits) : undefined,
        max: chart.unit === "share" ? 1 : undefined,
        grid: {color: colour("line"), drawBorder: false},
        ticks: {color: text, maxTicksLimit: 6, maxRotation: 0,
                callback: (value) => readable(value, chart.unit)},
      },
      y: {
        stacked: chart.stacked,
        grid: {display: false, drawBorder: false},
        ticks: {color: colour("ink")},
      },
    },
    plugins: {
      limitMarks: {limits: chart.limits},
      legend: {position: "bottom", align: "start",
               labels: {color: text, boxWidth: 12, boxHeight: 12, padding: 10}},
      tooltip: {callbacks: {
        label: (item) => item.dataset.label + ": " + readable(item.raw, chart.unit),
      }},
    },
  };
}

function lineOptions(chart) {
  const text = colour("muted");
  const grid = {color: colour("line"), drawBorder: false};
  const x = (value) => chart.xUnit ? readable(value, chart.xUnit) : "P" + value;
  const steps = chart.xUnit === "steps";
  return {
    animation: false,
    responsive: true,
    maintainAspectRatio: false,
    interaction: {mode: "nearest", axis: "x", intersect: false},
    scales: {
      x: {type: "linear", grid: {display: false, drawBorder: false},
          max: chart.xUnit ? undefined : 100,
          title: {display: steps, text: "steps", color: text, align: "end"},
          ticks: {color: text, maxTicksLimit: 6, maxRotation: 0,
                  callback: (value) => steps ? readable(value, "") : x(value)}},
      y: {beginAtZero: true, grid, ticks: {color: text, maxTicksLimit: 6,
                                           precision: steps ? 0 : undefined,
                                           callback: (value) => readable(value, chart.unit)}},
    },
    plugins: {
      legend: {position: "bottom", align: "start",
               labels: {color: text, boxWidth: 18, boxHeight: 2, padding: 10}},
      tooltip: {callbacks: {
        title: (items) => x(items[0].parsed.x),
        label: (item) => item.dataset.label + ": " + readable(item.parsed.y, chart.unit),
      }},
    },
  };
}

function lineDatasets(chart) {
  return chart.series.map((series, i) => ({
    label: series.name,
    data: series.points.map(([x, y]) => ({x, y})),
    borderColor: colour(series.colour),
    backgroundColor: colour(series.colour),
    borderDash: i % 2 ? [6, 3] : [],
    borderWidth: 2,
    pointRadius: 0,
  }));
}

// Whether anything was painted: every pixel of an empty canvas is transparent.
function isDrawn(canvas) {
  const pixels = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
  return pixels.some((component) => component !== 0);
}

function draw() {
  charts.splice(0).forEach((chart) => chart.destroy());
  const narrow = window.innerWidth < 720;
  Chart.defaults.font.family = getComputedStyle(document.body).fontFamily;
  Chart.defaults.font.size = 12;
  const show = (chart, config) => {
    const canvas = document.getElementById("chart-" + chart.id);
    charts.push(new Chart(canvas, config));
    canvas.dataset.drawn = isDrawn(canvas) ? "yes" : "no";
  };
  data.charts.forEach((chart) => show(chart, {
    type: "bar",
    data: {labels: chart.labels.map((label) => lines(label, narrow ? 12 : 20)),
           datasets: datasets(chart)},
    options: options(chart),
    plugins: [limitMarks],
  }));
  data.lines.forEach((chart) => show(chart, {
    type: "line",
    data: {datasets: lineDatasets(chart)},
    options: lineOptions(chart),
  }));
}

draw();
window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
// Paper shows what is folded away on the screen, in the light colours.
window.addEventListener("beforeprint", () => {
  document.querySelectorAll("section > details").forEach((one) => { one.open = true; });
  document.documentElement.classList.add("paper");
  draw();
});
window.addEventListener("afterprint", () => {
  document.documentElement.classList.remove("paper");
  draw();
});
