#include "base/cancel.h"
#include "mongo/client.h"
#include "net/http.h"
#include "spaceferry.h"

bool
spaceferry_init(void)
{

	mongo_global_init();
	return http_global_init(NULL);
}

void
spaceferry_cleanup(void)
{

	mongo_global_cleanup();
}

void
spaceferry_cancel(void)
{

	cancel_request();
}
