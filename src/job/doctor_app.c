#include "job/doctor.h"

bool
doctor_app(struct doctor *d, struct err *err)
{

	(void)err;
	d->group = "app";
	return true;
}
