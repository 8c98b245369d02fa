# What an installation holds. Data lie below share/moesim as they lie in the source tree.
set(data_place share/moesim)

# So a program in the build folder finds them in the same way as an installed one.
file(MAKE_DIRECTORY ${CMAKE_BINARY_DIR}/share)
file(CREATE_LINK ${PROJECT_SOURCE_DIR} ${CMAKE_BINARY_DIR}/${data_place} SYMBOLIC)

install(TARGETS moesim RUNTIME DESTINATION bin COMPONENT moesim)
if(TARGET moesim-relay)
  install(TARGETS moesim-relay RUNTIME DESTINATION libexec/moesim COMPONENT mpi)
endif()

foreach(room hardware models sim)
  foreach(ending csv json yaml)
    list(APPEND data_globs ${PROJECT_SOURCE_DIR}/${room}/*.${ending})
  endforeach()
endforeach()
file(GLOB_RECURSE data_files CONFIGURE_DEPENDS RELATIVE ${PROJECT_SOURCE_DIR} ${data_globs})
file(GLOB questions CONFIGURE_DEPENDS RELATIVE ${PROJECT_SOURCE_DIR}
     ${PROJECT_SOURCE_DIR}/scenarios/*.yaml ${PROJECT_SOURCE_DIR}/scenarios/data/*.csv)
foreach(file ${data_files} ${questions} hardware/profiles/README.md)
  cmake_path(GET file PARENT_PATH folder)
  install(FILES ${file} DESTINATION ${data_place}/${folder} COMPONENT moesim)
endforeach()

file(GLOB manuals CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/docs/*.md)
install(FILES ${manuals} README.md ACCURACY.md CHANGELOG.md LICENSE DESTINATION share/doc/moesim
        COMPONENT moesim)
install(FILES NOTICE DESTINATION share/doc/moesim RENAME copyright COMPONENT moesim)

# As soon as the program has the commands `man` and `completion`.
file(GLOB_RECURSE command_sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/scenarios/cli/*.cpp)
foreach(source ${command_sources})
  file(STRINGS ${source} found REGEX "\"completion\"")
  if(found)
    include(cmake/manual.cmake)
    break()
  endif()
endforeach()
