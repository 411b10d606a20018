# How every target of Sealfold is declared.
#
# A library owns one folder and sees only the folders of what it links: each gets an include root of its
# own (a directory with one link to its folder), so that including a header of a library that is not
# linked does not compile. That is what keeps the dependencies pointing one way.

include(GNUInstallDirs)

set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE RelWithDebInfo)
endif()
# Line numbers for backtraces without the time that full debug information takes to build.
set(CMAKE_CXX_FLAGS_RELWITHDEBINFO "-O2 -g1")
# What is released is what was measured; GCC 12 at -O3 also warns of reads that do not happen.
set(CMAKE_CXX_FLAGS_RELEASE "-O2")
# Assertions guard invariants of a trusted program: they stay on in every build.
foreach(config RELEASE RELWITHDEBINFO MINSIZEREL)
  string(REPLACE "-DNDEBUG" "" CMAKE_CXX_FLAGS_${config} "${CMAKE_CXX_FLAGS_${config}}")
endforeach()
# Every program of one build sits in one folder.
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)

find_program(CCACHE ccache)
if(CCACHE)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CCACHE})
endif()

find_package(PkgConfig REQUIRED)
find_package(absl REQUIRED)
find_package(OpenSSL 3.0 REQUIRED)
find_package(Threads REQUIRED)
find_package(hwy REQUIRED)
find_package(Eigen3 3.4 REQUIRED NO_MODULE)
find_package(spdlog REQUIRED)
if(SEALFOLD_TESTS)
  find_package(GTest REQUIRED)
  include(GoogleTest)
endif()
pkg_check_modules(SODIUM REQUIRED IMPORTED_TARGET libsodium)
pkg_check_modules(CBOR REQUIRED IMPORTED_TARGET libcbor)
pkg_check_modules(ZMQ REQUIRED IMPORTED_TARGET libzmq)
pkg_check_modules(HTTPLIB REQUIRED IMPORTED_TARGET cpp-httplib)

# AES-GCM at several times OpenSSL's speed where the processor has VAES.
find_package(IpsecMb 1.3 QUIET)
if(IpsecMb_FOUND AND CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64)$")
  set(ipsec_mb_usable ON)
else()
  set(ipsec_mb_usable OFF)
endif()
option(SEALFOLD_IPSEC_MB "AEADs by Intel's ipsec-mb too, where it is the fastest (x86-64)" ${ipsec_mb_usable})
if(SEALFOLD_IPSEC_MB AND NOT ipsec_mb_usable)
  message(FATAL_ERROR "SEALFOLD_IPSEC_MB needs an x86-64 target and ipsec-mb 1.3 or later: "
    "install libipsec-mb-dev, or configure with -DSEALFOLD_IPSEC_MB=OFF")
elseif(SEALFOLD_IPSEC_MB)
  message(STATUS "AEADs: OpenSSL, libsodium, ipsec-mb ${IpsecMb_VERSION}; the fastest is found out at run time")
else()
  message(STATUS "AEADs: OpenSSL, libsodium; ipsec-mb left out (SEALFOLD_IPSEC_MB is OFF)")
endif()

# Asking a TPM for evidence. Verifying a TPM's evidence needs none of it.
pkg_check_modules(TSS QUIET IMPORTED_TARGET tss2-esys>=3.0 tss2-mu tss2-rc tss2-tctildr)
option(SEALFOLD_TPM "Evidence made by a TPM 2.0 (tpm2-tss)" ${TSS_FOUND})
if(SEALFOLD_TPM AND NOT TSS_FOUND)
  message(FATAL_ERROR "SEALFOLD_TPM needs tpm2-tss 3.0 or later: install libtss2-dev, or configure with -DSEALFOLD_TPM=OFF")
endif()

# What all of our own code is compiled with; not passed on to who links us.
add_library(sealfold_options INTERFACE)
target_compile_options(sealfold_options INTERFACE
  -Wall -Wextra -Wshadow -Wnon-virtual-dtor -Wimplicit-fallthrough -Wvla -Wold-style-cast -Werror
  -fstack-protector-strong)
if(SEALFOLD_SANITIZE)
  add_compile_options(-fsanitize=${SEALFOLD_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${SEALFOLD_SANITIZE})
endif()
if(SEALFOLD_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link)
endif()
if(SEALFOLD_SOFTWARE_PLATFORM)
  add_compile_definitions(SEALFOLD_SOFTWARE_PLATFORM=1)
endif()

# sealfold_include_root(TARGET FOLDER): FOLDER (relative to the source root) becomes includable as
# "FOLDER/..." by TARGET and by what links it.
function(sealfold_include_root target folder)
  set(root ${CMAKE_BINARY_DIR}/include-roots/${target})
  get_filename_component(parent ${root}/${folder} DIRECTORY)
  file(MAKE_DIRECTORY ${parent})
  file(CREATE_LINK ${CMAKE_SOURCE_DIR}/${folder} ${root}/${folder} SYMBOLIC)
  target_include_directories(${target} PUBLIC
    $<BUILD_INTERFACE:${root}> $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}/sealfold>)
endfunction()

# sealfold_library(NAME FOLDER path SOURCES ... LINKS ... [PRIVATE_LINKS ...])
function(sealfold_library name)
  cmake_parse_arguments(arg "" "FOLDER" "SOURCES;LINKS;PRIVATE_LINKS" ${ARGN})
  add_library(${name} STATIC ${arg_SOURCES})
  add_library(sealfold::${name} ALIAS ${name})
  target_compile_features(${name} PUBLIC cxx_std_20)  # also of who uses the installed package
  target_link_libraries(${name} PUBLIC ${arg_LINKS}
    PRIVATE ${arg_PRIVATE_LINKS} $<BUILD_INTERFACE:sealfold_options>)
  sealfold_include_root(${name} ${arg_FOLDER})
endfunction()

# sealfold_executable(NAME SOURCES ... LINKS ...): what tests and programs have in common.
function(sealfold_executable name)
  cmake_parse_arguments(arg "" "" "SOURCES;LINKS" ${ARGN})
  add_executable(${name} ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE ${arg_LINKS} sealfold_options)
endfunction()

# sealfold_program(NAME SOURCES ... LINKS ...): a program that people run; `programs` builds them all, and the global
# property sealfold_programs names them.
add_custom_target(programs)
function(sealfold_program name)
  sealfold_executable(${name} ${ARGN})
  add_dependencies(programs ${name})
  set_property(GLOBAL APPEND PROPERTY sealfold_programs ${name})
endfunction()

# sealfold_test(NAME SOURCES ... LINKS ... [LABELS ...]): a GoogleTest program whose cases ctest lists.
function(sealfold_test name)
  if(NOT SEALFOLD_TESTS)
    return()
  endif()
  cmake_parse_arguments(arg "" "" "SOURCES;LINKS;LABELS" ${ARGN})
  sealfold_executable(${name} SOURCES ${arg_SOURCES} LINKS ${arg_LINKS} GTest::gtest_main GTest::gmock)
  # What is tested is optimised; the tests themselves only have to build fast.
  target_compile_options(${name} PRIVATE -O0)
  target_compile_definitions(${name} PRIVATE SEALFOLD_TEST_DATA="${CMAKE_SOURCE_DIR}/tests/data")
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
  set(properties TIMEOUT 300)
  if(arg_LABELS)  # "slow": outside the fast set, `./run test --slow`
    set(properties TIMEOUT 1800 LABELS "${arg_LABELS}")
  endif()
  gtest_discover_tests(${name} DISCOVERY_TIMEOUT 60 PROPERTIES ${properties})
endfunction()

# sealfold_fuzz(NAME SOURCES ... LINKS ...): a libFuzzer target; `./run fuzz` finds it by its name. Where there are tests it is
# an object library too, NAME_once, in which the target's function is called NAME: the global property sealfold_fuzz_targets
# names them all.
function(sealfold_fuzz name)
  cmake_parse_arguments(arg "" "" "SOURCES;LINKS" ${ARGN})
  if(SEALFOLD_TESTS)
    add_library(${name}_once OBJECT ${arg_SOURCES})
    target_link_libraries(${name}_once PUBLIC ${arg_LINKS} PRIVATE sealfold_options)
    target_compile_options(${name}_once PRIVATE -O0)
    target_compile_definitions(${name}_once PRIVATE LLVMFuzzerTestOneInput=${name})
    set_property(GLOBAL APPEND PROPERTY sealfold_fuzz_targets ${name})
  endif()
  if(SEALFOLD_FUZZ)
    sealfold_executable(${name} SOURCES ${arg_SOURCES} LINKS ${arg_LINKS})
    target_link_options(${name} PRIVATE -fsanitize=fuzzer)
    set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/fuzz)
  endif()
endfunction()

# sealfold_embed_text(TARGET HEADER name SYMBOL kName FILE path): `#include "embedded/HEADER"` in TARGET's sources
# declares `inline constexpr char sealfold::SYMBOL[]`, the text of FILE (relative to this directory) as it stands.
function(sealfold_embed_text target)
  cmake_parse_arguments(arg "" "HEADER;SYMBOL;FILE" "" ${ARGN})
  set(root ${CMAKE_BINARY_DIR}/embedded-roots/${target})
  file(READ ${arg_FILE} text)
  file(CONFIGURE OUTPUT ${root}/embedded/${arg_HEADER} @ONLY CONTENT
"// Made from ${arg_FILE}: change that.
#pragma once
namespace sealfold {
inline constexpr char @arg_SYMBOL@[] = R\"embedded(@text@)embedded\";
}
")
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${arg_FILE})
  target_include_directories(${target} PRIVATE ${root})
endfunction()
