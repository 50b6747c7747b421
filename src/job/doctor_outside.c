#include "job/doctor.h"

bool
doctor_outside(struct doctor *d, struct err *err)
{

	(void)err;
	d->group = "outside";
	return true;
}
