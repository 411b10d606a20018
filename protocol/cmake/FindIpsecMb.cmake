# IpsecMb::IpsecMb, IpsecMb_VERSION: Intel's Multi-Buffer Crypto for IPsec, whose Debian package has neither a CMake
# package nor a pkg-config file.
find_path(IpsecMb_INCLUDE_DIR intel-ipsec-mb.h)
find_library(IpsecMb_LIBRARY IPSec_MB)
if(IpsecMb_INCLUDE_DIR)
  file(STRINGS ${IpsecMb_INCLUDE_DIR}/intel-ipsec-mb.h version_line REGEX "^#define IMB_VERSION_STR ")
  string(REGEX REPLACE ".*\"([0-9.]+).*" "\\1" IpsecMb_VERSION "${version_line}")
endif()
include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(IpsecMb
  REQUIRED_VARS IpsecMb_LIBRARY IpsecMb_INCLUDE_DIR VERSION_VAR IpsecMb_VERSION)
mark_as_advanced(IpsecMb_INCLUDE_DIR IpsecMb_LIBRARY)
if(IpsecMb_FOUND AND NOT TARGET IpsecMb::IpsecMb)
  add_library(IpsecMb::IpsecMb UNKNOWN IMPORTED)
  set_target_properties(IpsecMb::IpsecMb PROPERTIES
    IMPORTED_LOCATION ${IpsecMb_LIBRARY} INTERFACE_INCLUDE_DIRECTORIES ${IpsecMb_INCLUDE_DIR})
endif()
