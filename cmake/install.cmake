# What `cmake --install` puts in place: the program, the library for programs
# that embed it, the man page and the completions of three shells.

# The library: every layer but cli.  Functions between our own files are not
# for others: outside a sanitizer build the objects are linked into one, in
# which only spaceferry_* stays visible, so that no name can clash.
foreach(layer IN LISTS SF_LAYERS)
	if(TARGET sf_${layer} AND NOT layer STREQUAL "cli")
		list(APPEND objects $<TARGET_OBJECTS:sf_${layer}>)
	endif()
endforeach()
add_library(libspaceferry STATIC ${objects})
set_target_properties(libspaceferry PROPERTIES
    OUTPUT_NAME spaceferry LINKER_LANGUAGE C)
if(NOT SF_SANITIZE AND NOT SF_FUZZ AND CMAKE_OBJCOPY)
	add_custom_command(TARGET libspaceferry POST_BUILD
	    COMMAND ${CMAKE_C_COMPILER} -nostdlib -r -o libspaceferry.o
	        -Wl,--whole-archive $<TARGET_FILE:libspaceferry>
	        -Wl,--no-whole-archive
	    COMMAND ${CMAKE_OBJCOPY} --wildcard
	        --keep-global-symbol=spaceferry_* libspaceferry.o
	    COMMAND ${CMAKE_COMMAND} -E rm $<TARGET_FILE:libspaceferry>
	    COMMAND ${CMAKE_AR} rcs $<TARGET_FILE:libspaceferry>
	        libspaceferry.o
	    COMMAND ${CMAKE_COMMAND} -E rm libspaceferry.o
	    VERBATIM)
endif()
# Relative to itself, so that an install under another prefix works too.
file(RELATIVE_PATH SF_PC_PREFIX /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
configure_file(cmake/spaceferry.pc.in spaceferry.pc @ONLY)

install(TARGETS spaceferry RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR}
    COMPONENT program)
install(TARGETS libspaceferry ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(FILES include/spaceferry.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
install(FILES ${CMAKE_BINARY_DIR}/spaceferry.pc
    DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)

# The program writes its own man page and completions; not under a sanitizer,
# which may need more than a build has to give it.
if(SF_SANITIZE OR SF_FUZZ)
	return()
endif()
foreach(what man bash zsh fish)
	set(file ${CMAKE_BINARY_DIR}/generated/spaceferry.${what})
	add_custom_command(OUTPUT ${file}
	    COMMAND ${CMAKE_COMMAND} -E make_directory
	        ${CMAKE_BINARY_DIR}/generated
	    COMMAND spaceferry --generate ${what} > ${file}
	    DEPENDS spaceferry VERBATIM)
	list(APPEND generated ${file})
endforeach()
add_custom_target(generated ALL DEPENDS ${generated})

install(FILES ${CMAKE_BINARY_DIR}/generated/spaceferry.man
    DESTINATION ${CMAKE_INSTALL_MANDIR}/man1 RENAME spaceferry.1
    COMPONENT program)
install(FILES ${CMAKE_BINARY_DIR}/generated/spaceferry.bash
    DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions
    RENAME spaceferry COMPONENT program)
install(FILES ${CMAKE_BINARY_DIR}/generated/spaceferry.zsh
    DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/site-functions
    RENAME _spaceferry COMPONENT program)
install(FILES ${CMAKE_BINARY_DIR}/generated/spaceferry.fish
    DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d
    COMPONENT program)
include(cmake/package.cmake)
