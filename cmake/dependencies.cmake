# Every third-party library, as an imported target whose headers are SYSTEM
# includes: mongoc.h and others are not clean under -Wpedantic.
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
foreach(pair
    "MONGOC:libmongoc-1.0" "BSON:libbson-1.0" "CURL:libcurl"
    "CRYPTO:libcrypto" "XXHASH:libxxhash" "YAML:yaml-0.1"
    "JANSSON:jansson" "EXPAT:expat" "IDN2:libidn2" "MAGIC:libmagic"
    "ZLIB:zlib" "ZSTD:libzstd"
    "SODIUM:libsodium")
	string(REPLACE ":" ";" pair "${pair}")
	list(GET pair 0 name)
	list(GET pair 1 module)
	pkg_check_modules(${name} REQUIRED IMPORTED_TARGET ${module})
	# For --version, and for whoever links with our library.
	string(APPEND SF_LIBRARIES "${module} ${${name}_VERSION}\\n")
	if(NOT name STREQUAL "YAML")
		string(APPEND SF_LIBRARY_REQUIRES "${module} ")
	endif()
endforeach()
