/*
 * How large a batch should be, as a multiple of its usual size.  Usual is best
 * while writing takes as long as there are bytes.  Where each operation costs
 * its time whatever it carries (a far server; one that makes a connection wait
 * once there were too many operations, as Atlas' free tier does), batches are
 * doubled for as long as that moves more bytes a second.
 *
 * Thread-safe: writers tell, readers ask.
 */
#ifndef FLOW_STRETCH_H
#define FLOW_STRETCH_H

#include <stddef.h>
#include <stdint.h>

struct stretch;

/* The multiple starts at 1 and stays <= most (> 0).  NULL when out of memory. */
struct stretch *stretch_new(unsigned most);
void stretch_free(struct stretch *s);	/* NULL is allowed */

/* The multiple for the next batch.  Does not block. */
unsigned stretch_now(const struct stretch *s);

/* A batch that was as large as stretch_now() allows, or nearly, took ns
 * nanoseconds to be written.  Smaller ones are not told. */
void stretch_tell(struct stretch *s, size_t bytes, uint64_t ns);

#endif
