#include "job/doctor.h"

bool
doctor_machine(struct doctor *d, struct err *err)
{

	(void)err;
	d->group = "machine";
	return true;
}
