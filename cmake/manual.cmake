# The manual page and the shell completions, made by the program from the commands that it knows.
set(manual_place ${CMAKE_BINARY_DIR}/manual)
file(MAKE_DIRECTORY ${manual_place})
add_custom_command(
  OUTPUT ${manual_place}/moesim.1.gz ${manual_place}/moesim ${manual_place}/_moesim
  COMMAND moesim man > ${manual_place}/moesim.1
  COMMAND gzip -9nf ${manual_place}/moesim.1
  COMMAND moesim completion bash > ${manual_place}/moesim
  COMMAND moesim completion zsh > ${manual_place}/_moesim
  DEPENDS moesim
  VERBATIM)
add_custom_target(moesim_manual ALL DEPENDS ${manual_place}/moesim.1.gz)
install(FILES ${manual_place}/moesim.1.gz DESTINATION share/man/man1 COMPONENT moesim)
install(FILES ${manual_place}/moesim DESTINATION share/bash-completion/completions COMPONENT moesim)
install(FILES ${manual_place}/_moesim DESTINATION share/zsh/vendor-completions COMPONENT moesim)
