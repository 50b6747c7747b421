#include "job/doctor.h"

bool
doctor_files(struct doctor *d, struct err *err)
{

	(void)err;
	d->group = "files";
	return true;
}
