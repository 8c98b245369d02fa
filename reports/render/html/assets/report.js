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
        ticks: {color: text, maxTicksLimit: 6, maxRotation: 0, autoSkipPadding: 10,
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
          ticks: {color: text, maxTicksLimit: 6, maxRotation: 0, autoSkipPadding: 10,
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

// Texts beside points, where they hide no point and no other text.
const pointLabels = {
  id: "pointLabels",
  afterDatasetsDraw(chart) {
    const context = chart.ctx;
    const area = chart.chartArea;
    const marks = chart.data.datasets.slice(0, 2).flatMap((dataset, d) =>
      chart.getDatasetMeta(d).data.map((mark, i) => ({x: mark.x, y: mark.y, of: dataset.data[i]})));
    const taken = marks.map(({x, y}) => [x - 6, y - 6, x + 6, y + 6]);
    const isFree = ([left, top, right, bottom]) =>
      left >= area.left && right <= area.right && top >= area.top && bottom <= area.bottom &&
      !taken.some(([l, t, r, b]) => left < r && right > l && top < b && bottom > t);
    context.save();
    context.font = "600 12px " + Chart.defaults.font.family;
    context.fillStyle = colour("ink");
    context.textBaseline = "middle";
    let shown = 0;
    marks.filter((mark) => mark.of.label).forEach(({x, y, of}) => {
      const width = context.measureText(of.label).width;
      const corners = [[x + 8, y], [x - 8 - width, y], [x - width / 2, y - 14],
                       [x - width / 2, y + 14], [x + 7, y - 13], [x + 7, y + 13]];
      const place = corners.find(([left, middle]) =>
        isFree([left, middle - 7, left + width, middle + 7]));
      if (!place) return;
      taken.push([place[0], place[1] - 7, place[0] + width, place[1] + 7]);
      context.fillText(of.label, place[0], place[1]);
      shown += 1;
    });
    chart.canvas.dataset.labels = shown;
    context.restore();
  },
};

// Those that no other beats in both, from left to right.
function staircase(points) {
  let least = Infinity;
  return [...points].sort((a, b) => a.x - b.x || a.y - b.y).filter(({y}) => {
    if (y >= least) return false;
    least = y;
    return true;
  });
}

// Of a logarithmic axis only 1, 2 and 5 of each decade, or 1 where there are many: texts of more
// would lie on each other on a phone.
function thinTicks(scale) {
  const leading = (value) => Math.round(value / 10 ** Math.floor(Math.log10(value) + 1e-9));
  const decades = Math.log10(scale.max / scale.min);
  const room = scale.isHorizontal() ? scale.chart.width / 70 : 12;
  const kept = decades * 3 <= room ? [1, 2, 5] : [1];
  const thin = scale.ticks.filter((tick) => kept.includes(leading(tick.value)));
  if (thin.length > 1) scale.ticks = thin;
}

function scatterAxis(axis, values) {
  const least = Math.min(...values);
  const most = Math.max(...values);
  const wide = least > 0 && most / least > 20;
  return {
    type: wide ? "logarithmic" : "linear",
    grace: wide ? undefined : "8%",
    afterBuildTicks: wide ? thinTicks : undefined,
    title: {display: true, text: axis.label, color: colour("muted")},
    grid: {color: colour("line"), drawBorder: false},
    ticks: {color: colour("muted"), maxTicksLimit: wide ? undefined : 6, maxRotation: 0,
            autoSkipPadding: 10, callback: (value) => readable(value, axis.unit)},
  };
}

function scatterConfig(chart, up) {
  const [across, upwards] = [chart.axes[0], chart.axes[up + 1]];
  const points = chart.points.map((point) => ({
    x: point.values[0], y: point.values[up + 1], name: point.name, label: point.label,
    front: point.front,
  }));
  const marks = (label, front, shape, fill, radius) => ({
    label, data: points.filter((point) => point.front === front), pointStyle: shape,
    backgroundColor: fill, borderColor: colour(front ? "vermillion" : "blue"), borderWidth: 1.5,
    pointRadius: radius, pointHoverRadius: radius + 2, pointHitRadius: 14,
  });
  return {
    type: "scatter",
    data: {datasets: [
      marks("on the front", true, "rectRot", colour("vermillion"), 7),
      marks("beaten", false, "circle", "transparent", 4),
      {label: "best of these two", data: staircase(points), type: "line", stepped: "before",
       borderColor: colour("muted"), borderWidth: 1, borderDash: [4, 3], pointRadius: 0,
       pointStyle: "line"},
    ].filter((set) => set.data.length || set.pointStyle === "circle")},
    options: {
      animation: false,
      responsive: true,
      maintainAspectRatio: false,
      interaction: {mode: "nearest", intersect: true},
      scales: {x: scatterAxis(across, points.map((point) => point.x)),
               y: scatterAxis(upwards, points.map((point) => point.y))},
      plugins: {
        legend: {position: "bottom", align: "start",
                 labels: {color: colour("muted"), usePointStyle: true, boxWidth: 16, boxHeight: 8,
                          padding: 10}},
        tooltip: {filter: (item) => item.datasetIndex < 2, callbacks: {
          label: (item) => [item.raw.name, across.label + ": " + readable(item.raw.x, across.unit),
                            upwards.label + ": " + readable(item.raw.y, upwards.unit)],
        }},
      },
    },
    plugins: [pointLabels],
  };
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
  if (data.scatter) {
    const choice = document.getElementById("choice-pareto");
    const canvas = document.getElementById("chart-pareto");
    show(data.scatter, scatterConfig(data.scatter, Number(choice.value)));
    canvas.dataset.points = data.scatter.points.length;
    canvas.setAttribute("aria-label", "Chart: " + data.scatter.axes[0].label + " against " +
      choice.selectedOptions[0].textContent + " of " + data.scatter.points.length +
      " cases. The numbers are in the table below it.");
  }
}

draw();
document.getElementById("choice-pareto")?.addEventListener("change", draw);
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
