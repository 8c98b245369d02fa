// Files of reports/render/assets and Chart.js, embedded at build time by cmake/data.cmake.
#pragma once

#include <string_view>

namespace moesim::assets {

std::string_view report_page();    // HTML with {{slots}}.
std::string_view report_style();   // CSS.
std::string_view report_script();  // Draws the charts from the data in the page.
std::string_view chart_library();  // Chart.js, minified, MIT licence.

}  // namespace moesim::assets
