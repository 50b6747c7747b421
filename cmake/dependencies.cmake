# Every third-party library, as an imported target whose headers are SYSTEM
# includes: mongoc.h and others are not clean under -Wpedantic.
find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
foreach(pair
    "MONGOC:libmongoc-1.0" "BSON:libbson-1.0" "CURL:libcurl"
    "CRYPTO:libcrypto" "XXHASH:libxxhash" "YAML:yaml-0.1"
    "JANSSON:jansson" "EXPAT:expat" "IDN2:libidn2" "MAGIC:libmagic")
	string(REPLACE ":" ";" pair "${pair}")
	list(GET pair 0 name)
	list(GET pair 1 module)
	pkg_check_modules(${name} REQUIRED IMPORTED_TARGET ${module})
endforeach()
