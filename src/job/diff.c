#include "spaceferry.h"

int
spaceferry_diff(const struct spaceferry_options *options,
    struct spaceferry_summary *summary)
{

	return spaceferry_verify(options, summary);
}
