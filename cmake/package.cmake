# `cpack -G DEB` in the build folder: moesim, and moesim-mpi with the door to MPI, whose libraries
# nobody else needs.
set(CPACK_PACKAGE_NAME moesim)
set(CPACK_PACKAGE_VENDOR "moesim maintainers")
set(CPACK_PACKAGE_CONTACT "moesim maintainers <maintainers@localhost>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "simulator of mixture-of-experts model deployments")
set(CPACK_RESOURCE_FILE_LICENSE ${PROJECT_SOURCE_DIR}/LICENSE)
set(CPACK_STRIP_FILES ON)
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_COMPONENTS_ALL moesim mpi)
set(CPACK_COMPONENTS_GROUPING IGNORE)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION science)

set(CPACK_DEBIAN_MOESIM_PACKAGE_NAME moesim)
set(CPACK_DEBIAN_MOESIM_PACKAGE_SUGGESTS moesim-mpi)
set(CPACK_COMPONENT_MOESIM_DESCRIPTION
    "moesim predicts time, energy, carbon and cost of serving dense and\nmixture-of-experts language models on a described cluster.")
set(CPACK_DEBIAN_MPI_PACKAGE_NAME moesim-mpi)
set(CPACK_DEBIAN_MPI_PACKAGE_DEPENDS "moesim (= ${PROJECT_VERSION}), openmpi-bin")
set(CPACK_COMPONENT_MPI_DESCRIPTION "Sweeps of moesim over several machines: mpirun -n N moesim run.")

# What the program needs, found where the tools for it are.
find_program(DPKG_SHLIBDEPS dpkg-shlibdeps)
if(DPKG_SHLIBDEPS)
  set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
else()
  message(STATUS "No dpkg-shlibdeps (package dpkg-dev): a Debian package will name no libraries")
endif()
include(CPack)
