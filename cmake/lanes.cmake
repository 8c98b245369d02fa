# The router's inner loops exist once per instruction set and are chosen at run time. Products are
# never contracted with sums, so that all of them give the same bits.
set(lane_sources ${PROJECT_SOURCE_DIR}/models/router/kernel/lanes/lanes)
set(lane_options -ffp-contract=off -fno-math-errno -fno-trapping-math)
set_source_files_properties(${lane_sources}_portable.cpp ${lane_sources}_avx2.cpp
                            ${lane_sources}_avx512.cpp PROPERTIES COMPILE_OPTIONS "${lane_options}"
                                                                  SKIP_PRECOMPILE_HEADERS ON)
if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|AMD64")
  set_source_files_properties(${lane_sources}_avx2.cpp PROPERTIES COMPILE_OPTIONS
                                                                  "${lane_options};-mavx2")
  set_source_files_properties(
    ${lane_sources}_avx512.cpp
    PROPERTIES COMPILE_OPTIONS "${lane_options};-mavx512f;-mprefer-vector-width=512")
endif()
