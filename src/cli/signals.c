#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include "cli/signals.h"

#define STATUS_INTERRUPTED 3

static void (*stop_job)(void);
static volatile sig_atomic_t seen;
static const char *last_words;
static size_t last_words_len;	/* 0 while the two others are changed */
static int last_words_fd;

static void
on_signal(int number)
{
	static const char text[] = "\nspaceferry: stopping; again to quit at once\n";
	int saved = errno;

	(void)number;
	if (seen > 0) {
		if (last_words_len > 0 && write(last_words_fd, last_words,
		    last_words_len) < 0)
			errno = 0;
		_exit(STATUS_INTERRUPTED);
	}
	seen = 1;
	stop_job();
	if (write(STDERR_FILENO, text, strlen(text)) < 0)
		errno = 0;	/* nothing can be done about it here */
	errno = saved;
}

void
signals_install(void (*stop)(void))
{
	static const int numbers[] = { SIGINT, SIGTERM, SIGHUP };
	struct sigaction action = { .sa_handler = on_signal }, old;
	size_t i;

	stop_job = stop;
	sigemptyset(&action.sa_mask);
	for (i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		if (sigaction(numbers[i], NULL, &old) == 0 &&
		    old.sa_handler != SIG_IGN)
			sigaction(numbers[i], &action, NULL);
	}
	action.sa_handler = SIG_IGN;
	sigaction(SIGPIPE, &action, NULL);
}

void
signals_last_words(int fd, const char *text, size_t len)
{

	last_words_len = 0;
	atomic_signal_fence(memory_order_seq_cst);
	last_words_fd = fd;
	last_words = text;
	atomic_signal_fence(memory_order_seq_cst);
	last_words_len = len;
}

int
signals_seen(void)
{

	return seen;
}
