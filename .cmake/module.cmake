# SPDX-License-Identifier: GPL-2.0-or-later
# A module is a folder, a static library and one public header. It publishes its own folder and nothing else, so an
# include that the arrows forbid does not compile. USES names the modules it may include; LIBS the foreign libraries
# that it alone may touch.

# ecmplab_module(sim_wire SOURCES a.c b.c USES sim_base LIBS PkgConfig::PCAP)
function(ecmplab_module name)
	cmake_parse_arguments(M "" "" "SOURCES;USES;LIBS" ${ARGN})
	add_library(${name} STATIC ${M_SOURCES})
	target_include_directories(${name} INTERFACE ${CMAKE_CURRENT_SOURCE_DIR} PRIVATE ${CMAKE_CURRENT_SOURCE_DIR})
	target_link_libraries(${name} PRIVATE ${M_USES} ${M_LIBS})
	set_property(GLOBAL APPEND PROPERTY ECMPLAB_ARROWS "${name}: ${M_USES}")
endfunction()

# ecmplab_test(test_fsm SOURCES test_fsm.c USES sim_bgp sim_wire sim_base LABELS unit): a cmocka program that links only what
# it names. It runs with ECMPLAB_SHARED set to the folder of reference data beside a checkout, which a user's clone has not.
function(ecmplab_test name)
	cmake_parse_arguments(T "" "" "SOURCES;USES;LIBS;LABELS" ${ARGN})
	add_executable(${name} ${T_SOURCES})
	target_link_libraries(${name} PRIVATE ${T_USES} ${T_LIBS} PkgConfig::CMOCKA)
	# What gcc fears for a path's length, or behind an assert_non_null, depends on how much it inlines.
	target_compile_options(${name} PRIVATE -Wno-format-truncation -Wno-null-dereference)
	add_test(NAME ${name} COMMAND ${name} WORKING_DIRECTORY ${PROJECT_SOURCE_DIR})
	set_tests_properties(${name} PROPERTIES LABELS "${T_LABELS}" SKIP_RETURN_CODE 77 TIMEOUT 120
		ENVIRONMENT "ECMPLAB_SHARED=${PROJECT_SOURCE_DIR}/../shared")
endfunction()
