# Install rules: the library, its headers, the CMake package and the pkg-config file. The tool and the lessons install
# themselves where they are built.
include(CMakePackageConfigHelpers)

install(TARGETS gdjit EXPORT gdjitTargets LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/gdjit DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
        FILES_MATCHING PATTERN "*.h" PATTERN "*.def")

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/gdjit)
install(EXPORT gdjitTargets NAMESPACE gdjit:: DESTINATION ${package_dir})
configure_package_config_file(${PROJECT_SOURCE_DIR}/lib/cmake/gdjitConfig.cmake.in
  ${PROJECT_BINARY_DIR}/gdjitConfig.cmake INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/gdjitConfigVersion.cmake
  COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/gdjitConfig.cmake ${PROJECT_BINARY_DIR}/gdjitConfigVersion.cmake
              ${PROJECT_SOURCE_DIR}/lib/cmake/GdjitModel.cmake DESTINATION ${package_dir})

# Relative, so that `cmake --install --prefix` and a package that was moved are found.
file(RELATIVE_PATH pc_to_prefix /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
configure_file(${PROJECT_SOURCE_DIR}/lib/cmake/gdjit.pc.in ${PROJECT_BINARY_DIR}/gdjit.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/gdjit.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
