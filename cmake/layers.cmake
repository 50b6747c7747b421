# The house: one OBJECT library per layer (docs/DESIGN.md, section 2).  A layer
# sees the third-party headers named here and no others.
set(SF_LAYERS base flow match net app bson mongo archive codec store state repo job doctor backup cli)
set(SF_USES_base PkgConfig::CRYPTO)
set(SF_USES_flow Threads::Threads)
set(SF_USES_match PkgConfig::IDN2)
set(SF_USES_net PkgConfig::CURL resolv)
set(SF_USES_app PkgConfig::JANSSON)
set(SF_USES_bson PkgConfig::BSON PkgConfig::XXHASH)
set(SF_USES_mongo PkgConfig::MONGOC)
set(SF_USES_archive PkgConfig::BSON)
set(SF_USES_codec PkgConfig::ZLIB PkgConfig::ZSTD PkgConfig::SODIUM)
set(SF_USES_store PkgConfig::EXPAT)
set(SF_USES_state PkgConfig::JANSSON)
set(SF_USES_repo PkgConfig::JANSSON)
set(SF_USES_job PkgConfig::MAGIC)
set(SF_USES_cli PkgConfig::YAML PkgConfig::JANSSON)

# Compiler and linker flags that every target of ours shares.
function(sf_target target)
	target_include_directories(${target} PRIVATE
	    ${CMAKE_SOURCE_DIR}/src ${CMAKE_SOURCE_DIR}/include)
	target_compile_definitions(${target} PRIVATE
	    _GNU_SOURCE SF_VERSION="${PROJECT_VERSION}")
	target_compile_options(${target} PRIVATE -Wall -Wextra -Wpedantic
	    -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla
	    $<$<BOOL:${SF_WERROR}>:-Werror>)
	if(SF_SANITIZE STREQUAL "address")
		set(flags -fsanitize=address,undefined
		    -fno-sanitize-recover=undefined -fno-omit-frame-pointer)
	elseif(SF_SANITIZE STREQUAL "thread")
		set(flags -fsanitize=thread -fno-omit-frame-pointer)
	elseif(NOT SF_SANITIZE STREQUAL "")
		message(FATAL_ERROR "SF_SANITIZE: ${SF_SANITIZE} is not known")
	endif()
	if(SF_FUZZ)
		list(APPEND flags -fsanitize=fuzzer-no-link)
	endif()
	target_compile_options(${target} PRIVATE ${flags})
	target_link_options(${target} PRIVATE ${flags})
endfunction()

foreach(layer IN LISTS SF_LAYERS)
	file(GLOB sources CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/src/${layer}/*.c)
	list(FILTER sources EXCLUDE REGEX "/cli/main\\.c$")
	if(NOT sources)
		continue()
	endif()
	add_library(sf_${layer} OBJECT ${sources})
	sf_target(sf_${layer})
	target_link_libraries(sf_${layer} PUBLIC ${SF_USES_${layer}})
	list(APPEND SF_LAYER_TARGETS sf_${layer})
endforeach()

if(TARGET sf_cli)
	target_compile_definitions(sf_cli PRIVATE SF_LIBRARIES="${SF_LIBRARIES}")
	# The style sheet of --report's page, as an array (src/cli/report_style.h).
	set(style ${CMAKE_SOURCE_DIR}/src/cli/report.css)
	set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${style})
	file(READ ${style} style HEX)
	string(REGEX REPLACE "(................................)" "\\1\n"
	    style "${style}")
	string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," style "${style}")
	file(CONFIGURE OUTPUT ${CMAKE_BINARY_DIR}/report_style.c CONTENT
	    "#include \"cli/report_style.h\"\n
const unsigned char report_style[] = {\n${style}};
const size_t report_style_size = sizeof(report_style);\n" @ONLY)
	target_sources(sf_cli PRIVATE ${CMAKE_BINARY_DIR}/report_style.c)
endif()
