/*
 * restore --drill: a restore into a scratch place, which is compared with the
 * snapshot and removed again, whatever came of it: the proof that a backup comes
 * back.
 *
 * Databases become spaceferry_drill_<time>_<n> on the server of --to, time being
 * when the drill began, in seconds since 1970, 8 hex digits; what drills that
 * were killed left there is removed by one that runs a day later.  Files go
 * below such a name in --files END; without it they are read whole and held
 * against their digests, and written nowhere.
 */
#ifndef BACKUP_DRILL_H
#define BACKUP_DRILL_H

#include "spaceferry.h"

/* options: from is a snapshot, drill is set.  Returns the exit status: 0 only
 * when all that was restored is what the snapshot says, and nothing is left. */
int drill_restore(const struct spaceferry_options *options,
    struct spaceferry_summary *summary);

#endif
