# Writes SOURCE, a C++ file whose function assets::NAME() returns the text of FILE.
file(READ "${FILE}" text)
if(text MATCHES "\\)moesim_asset\"")
  message(FATAL_ERROR "${FILE} contains the delimiter of its own raw string")
endif()
file(WRITE "${SOURCE}"
     "#include \"reports/render/html/assets.h\"\n\nnamespace moesim::assets {\nstd::string_view ${NAME}() {\n"
     "  return R\"moesim_asset(${text})moesim_asset\";\n}\n}  // namespace moesim::assets\n")
