# The Debian package: cpack -G DEB in a build folder.  It holds the component
# program: no library, no header.
install(FILES packaging/systemd/spaceferry-backup.service
    packaging/systemd/spaceferry-backup.timer
    DESTINATION lib/systemd/system COMPONENT program)
install(FILES packaging/examples/backup.yaml packaging/examples/backup.env
    DESTINATION ${CMAKE_INSTALL_DOCDIR}/examples COMPONENT program)
install(FILES packaging/cron/spaceferry-backup
    DESTINATION ${CMAKE_INSTALL_DOCDIR}/examples RENAME cron
    COMPONENT program)
install(FILES README.md docs/BACKUPS.md DESTINATION ${CMAKE_INSTALL_DOCDIR}
    COMPONENT program)
install(PROGRAMS scripts/restore-by-hand
    DESTINATION ${CMAKE_INSTALL_DOCDIR}/examples COMPONENT program)

set(SF_PACKAGE_CONTACT "spaceferry <root@localhost>" CACHE STRING
    "Maintainer of the package")
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME spaceferry)
set(CPACK_PACKAGE_CONTACT "${SF_PACKAGE_CONTACT}")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY
    "move and back up a web app's MongoDB data and files")
set(CPACK_PACKAGE_DESCRIPTION
    "Moves MongoDB data and uploaded files to another place, rewrites URLs on
 the way and compares both sides; makes encrypted, deduplicated backups of
 them and proves that they can be restored.")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_COMPONENTS_ALL program)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_PROGRAM_PACKAGE_NAME spaceferry)
set(CPACK_DEBIAN_PROGRAM_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION database)
set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_DEPENDS "ca-certificates")
set(CPACK_DEBIAN_PACKAGE_SUGGESTS "age, mongodb-database-tools")
set(CPACK_DEBIAN_PROGRAM_PACKAGE_CONTROL_EXTRA
    "${CMAKE_SOURCE_DIR}/packaging/debian/postinst"
    "${CMAKE_SOURCE_DIR}/packaging/debian/prerm"
    "${CMAKE_SOURCE_DIR}/packaging/debian/postrm")
include(CPack)
