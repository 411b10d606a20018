# What `cmake --install` puts in place: the programs, the client's libraries with their headers, the CMake package,
# the schemas of plans and policies.

include(CMakePackageConfigHelpers)

set(sealfold_libraries sealfold_protocol sealfold_zmq sealfold_attest sealfold_participant)
install(TARGETS ${sealfold_libraries} EXPORT sealfoldTargets
  ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
foreach(folder protocol attest participant-client)
  install(DIRECTORY ${folder}/ DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/sealfold/${folder}
    FILES_MATCHING PATTERN "*.h" PATTERN testing EXCLUDE PATTERN cmake EXCLUDE)
endforeach()
install(FILES protocol/plan/plan.schema.json participant-client/policy/policy.schema.json
  attest/policy/evidence.schema.json
  DESTINATION ${CMAKE_INSTALL_DATADIR}/sealfold)
install(TARGETS sealfold-aggregator sealfold-attest sealfold-coordinator sealfold-keybroker sealfold-participant
  RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
if(SEALFOLD_SOFTWARE_PLATFORM)
  install(TARGETS sealfold-softnsm RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endif()

set(package_folder ${CMAKE_INSTALL_LIBDIR}/cmake/sealfold)
install(EXPORT sealfoldTargets NAMESPACE sealfold:: DESTINATION ${package_folder})
configure_package_config_file(protocol/cmake/sealfoldConfig.cmake.in
  ${CMAKE_BINARY_DIR}/sealfoldConfig.cmake INSTALL_DESTINATION ${package_folder})
write_basic_package_version_file(${CMAKE_BINARY_DIR}/sealfoldConfigVersion.cmake
  COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_BINARY_DIR}/sealfoldConfig.cmake ${CMAKE_BINARY_DIR}/sealfoldConfigVersion.cmake
  protocol/cmake/FindIpsecMb.cmake DESTINATION ${package_folder})
