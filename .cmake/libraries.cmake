# SPDX-License-Identifier: GPL-2.0-or-later
find_package(PkgConfig REQUIRED)
pkg_check_modules(PCAP REQUIRED IMPORTED_TARGET libpcap)
pkg_check_modules(EVENT REQUIRED IMPORTED_TARGET libevent)
pkg_check_modules(MNL REQUIRED IMPORTED_TARGET libmnl)
pkg_check_modules(NFTABLES REQUIRED IMPORTED_TARGET libnftables)
pkg_check_modules(FYAML REQUIRED IMPORTED_TARGET libfyaml)
pkg_check_modules(JANSSON REQUIRED IMPORTED_TARGET jansson)
pkg_check_modules(NETTLE REQUIRED IMPORTED_TARGET nettle)
pkg_check_modules(CMOCKA REQUIRED IMPORTED_TARGET cmocka)

# libnet ships no .pc file on Debian; libRmath's names a folder the package does not have.
find_path(NET_INCLUDE libnet.h REQUIRED)
find_library(NET_LIBRARY net REQUIRED)
add_library(Lib::Net INTERFACE IMPORTED)
target_include_directories(Lib::Net SYSTEM INTERFACE ${NET_INCLUDE})
target_link_libraries(Lib::Net INTERFACE ${NET_LIBRARY})

find_path(RMATH_INCLUDE Rmath.h REQUIRED)
find_library(RMATH_LIBRARY Rmath REQUIRED)
add_library(Lib::Rmath INTERFACE IMPORTED)
target_include_directories(Lib::Rmath SYSTEM INTERFACE ${RMATH_INCLUDE})
target_link_libraries(Lib::Rmath INTERFACE ${RMATH_LIBRARY} m)
