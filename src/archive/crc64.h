/*
 * The checksum of a mongodump archive: CRC-64 with the polynomial of ECMA-182,
 * reflected, begun and ended with all bits inverted (CRC-64/XZ; in Go
 * crc64.MakeTable(crc64.ECMA)).  Of "123456789" it is 995dc9bbdf1939fa.
 *
 * Pure but for a table made once; thread-safe.
 */
#ifndef ARCHIVE_CRC64_H
#define ARCHIVE_CRC64_H

#include <stddef.h>
#include <stdint.h>

/* The checksum of what crc (0: nothing) is the checksum of, and then data. */
uint64_t crc64_update(uint64_t crc, const void *data, size_t len);

#endif
