#include "reports/render/html/heat_map.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "reports/render/html/html.h"

namespace moesim {
namespace {

constexpr std::size_t kMostRows = 64;
constexpr std::size_t kMostColumns = 64;
constexpr std::size_t kBinnedColumns = 32;  // Fit on one screen.
constexpr std::size_t kMostRanks = 32;

// Neighbours that one cell stands for.
std::size_t layers_per_cell(std::size_t layers) {
  return (layers + kMostRows - 1) / kMostRows;
}

std::size_t experts_per_cell(std::size_t experts) {
  return experts <= kMostColumns ? 1 : (experts + kBinnedColumns - 1) / kBinnedColumns;
}

std::size_t ranks_per_cell(std::size_t ranks) {
  return (ranks + kMostRanks - 1) / kMostRanks;
}

Grid hottest(const Grid& load, std::size_t layers, std::size_t experts) {
  Grid grid;
  for (std::size_t layer = 0; layer < load.size(); ++layer) {
    if (layer % layers == 0) grid.emplace_back();
    std::vector<double>& row = grid.back();
    row.resize(std::max(row.size(), (load[layer].size() + experts - 1) / experts), 0.0);
    for (std::size_t expert = 0; expert < load[layer].size(); ++expert)
      row[expert / experts] = std::max(row[expert / experts], load[layer][expert]);
  }
  return grid;
}

Grid means(const Grid& bytes, std::size_t ranks) {
  const std::size_t cells = (bytes.size() + ranks - 1) / ranks;
  Grid sums(cells, std::vector<double>(cells, 0.0)), pairs = sums;
  for (std::size_t from = 0; from < bytes.size(); ++from) {
    for (std::size_t to = 0; to < bytes[from].size(); ++to) {
      sums[from / ranks][to / ranks] += bytes[from][to];
      pairs[from / ranks][to / ranks] += 1;
    }
  }
  for (std::size_t a = 0; a < cells; ++a)
    for (std::size_t b = 0; b < cells; ++b)
      if (pairs[a][b] > 0) sums[a][b] /= pairs[a][b];
  return sums;
}

// Class of a load: h0 (cold) .. h3 (about the mean) .. h7 (8 times the mean and more).
int heat(double load) {
  constexpr double kBounds[] = {0.25, 0.5, 0.8, 1.25, 2, 4, 8};
  int level = 0;
  for (const double bound : kBounds) level += load >= bound;
  return level;
}

std::string range_text(std::size_t bin, std::size_t width, std::size_t count) {
  const std::size_t first = bin * width, last = std::min(count, first + width) - 1;
  return first == last ? fmt::format("{}", first) : fmt::format("{}-{}", first, last);
}

std::size_t most_columns(const Grid& grid) {
  std::size_t most = 0;
  for (const std::vector<double>& row : grid) most = std::max(most, row.size());
  return most;
}

double largest(const Grid& grid) {
  double most = 0;
  for (const std::vector<double>& row : grid)
    for (const double value : row) most = std::max(most, value);
  return most;
}

// The prefix that leaves the largest number one to three digits before its point.
struct ByteUnit {
  double bytes = 1;
  const char* name = "B";
};
ByteUnit unit_for(double largest_bytes) {
  constexpr std::array<ByteUnit, 4> kUnits = {
      {{1, "bytes"}, {1e3, "kB"}, {1e6, "MB"}, {1e9, "GB"}}};
  ByteUnit unit = kUnits[0];
  for (const ByteUnit& one : kUnits)
    if (largest_bytes >= one.bytes) unit = one;
  return unit;
}

}  // namespace

std::string load_map(const Grid& load) {
  const std::size_t layer_bin = layers_per_cell(load.size());
  const std::size_t experts = most_columns(load), expert_bin = experts_per_cell(experts);
  const Grid grid = hottest(load, layer_bin, expert_bin);
  std::string table = "<table class=\"heat\"><thead><tr><th scope=\"col\">layer</th>";
  for (std::size_t e = 0; e * expert_bin < experts; ++e)
    table += fmt::format("<th scope=\"col\">{}</th>", e * expert_bin);
  table += "</tr></thead><tbody>\n";
  for (std::size_t l = 0; l < grid.size(); ++l) {
    table += fmt::format("<tr><th scope=\"row\">{}</th>", range_text(l, layer_bin, load.size()));
    for (const double value : grid[l])
      table += fmt::format("<td class=\"h{}\">{:.1f}</td>", heat(value), value);
    table += "</tr>\n";
  }
  return table + "</tbody></table>";
}

std::string load_map_note(const Grid& load) {
  const std::size_t layers = layers_per_cell(load.size());
  const std::size_t experts = experts_per_cell(most_columns(load));
  if (layers == 1 && experts == 1) return "";
  return fmt::format("Each cell shows the hottest of {} neighbouring experts{}.", experts,
                     layers > 1 ? fmt::format(" in {} layers", layers) : "");
}

std::string traffic_map(const Grid& bytes) {
  const std::size_t bin = ranks_per_cell(bytes.size());
  const Grid grid = means(bytes, bin);
  const double most = largest(grid);
  const ByteUnit unit = unit_for(most);
  std::string table = "<table class=\"heat traffic\"><thead><tr><th scope=\"col\">from</th>";
  for (std::size_t r = 0; r < grid.size(); ++r)
    table += fmt::format("<th scope=\"col\">{}</th>", r * bin);
  table += "</tr></thead><tbody>\n";
  for (std::size_t from = 0; from < grid.size(); ++from) {
    table += fmt::format("<tr><th scope=\"row\">{}</th>", range_text(from, bin, bytes.size()));
    for (const double value : grid[from]) {
      if (value == 0) {
        table += "<td class=\"absent\">&middot;</td>";
        continue;
      }
      // s0 .. s6: an equal share of the largest each.
      const int level = static_cast<int>(std::min(6.0, 7 * value / most));
      table += fmt::format("<td class=\"s{}\">{:.1f}</td>", level, value / unit.bytes);
    }
    table += "</tr>\n";
  }
  return table + "</tbody></table>";
}

std::string traffic_map_note(const Grid& bytes) {
  const std::size_t bin = ranks_per_cell(bytes.size());
  const std::string mean =
      bin > 1 ? fmt::format(" Each cell is the mean over {} by {} ranks.", bin, bin) : "";
  return fmt::format("Rows send, columns receive; {} per token.{}",
                     unit_for(largest(means(bytes, bin))).name, mean);
}

std::string load_legend() {
  return "<p class=\"legend\" aria-hidden=\"true\"><span class=\"h0\">&lt; 0.25</span>"
         "<span class=\"h1\">0.25</span><span class=\"h2\">0.5</span><span class=\"h3\">0.8"
         "</span><span class=\"h4\">1.25</span><span class=\"h5\">2</span><span class=\"h6\">4"
         "</span><span class=\"h7\">&ge; 8</span></p>\n";
}

}  // namespace moesim
