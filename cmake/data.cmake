# Embeds the report's HTML, CSS and JavaScript, and Debian's Chart.js, in the program, so that an
# installed one writes whole reports without looking for any file.
find_file(MOESIM_CHART_JS chart.min.js PATHS /usr/share/javascript/chart.js NO_DEFAULT_PATH)
if(NOT MOESIM_CHART_JS)
  message(FATAL_ERROR "chart.min.js is missing: install the package libjs-chart.js")
endif()

# Adds `file` to the reports room as the function `std::string_view name()` of moesim::assets.
function(moesim_embed name file)
  set(source ${CMAKE_CURRENT_BINARY_DIR}/assets/${name}.cpp)
  add_custom_command(
    OUTPUT ${source}
    COMMAND ${CMAKE_COMMAND} -DNAME=${name} -DFILE=${file} -DSOURCE=${source}
            -P ${PROJECT_SOURCE_DIR}/cmake/embed.cmake
    DEPENDS ${file} ${PROJECT_SOURCE_DIR}/cmake/embed.cmake
    VERBATIM)
  target_sources(moesim_reports PRIVATE ${source})
endfunction()

moesim_embed(report_page ${PROJECT_SOURCE_DIR}/reports/render/html/assets/report.html)
moesim_embed(report_style ${PROJECT_SOURCE_DIR}/reports/render/html/assets/report.css)
moesim_embed(report_script ${PROJECT_SOURCE_DIR}/reports/render/html/assets/report.js)
moesim_embed(chart_library ${MOESIM_CHART_JS})
target_compile_definitions(moesim_reports PRIVATE MOESIM_VERSION="${PROJECT_VERSION}")
