#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/cancel.h"
#include "cli/passphrase.h"
#include "cli/text.h"

#define PROMPT_LARGEST 4096

void
passphrase_init(struct passphrase *p)
{
	char *value = getenv(PASSPHRASE_VARIABLE);

	p->text = NULL;
	if (value == NULL)
		return;
	if (value[0] != '\0')
		p->text = strdup(value);
	explicit_bzero(value, strlen(value));
	unsetenv(PASSPHRASE_VARIABLE);
}

void
passphrase_free(struct passphrase *p)
{

	if (p->text != NULL)
		explicit_bzero(p->text, strlen(p->text));
	free(p->text);
	p->text = NULL;
}

static void
say(int fd, const char *text)
{

	if (write(fd, text, strlen(text)) < 0)
		errno = 0;	/* whoever cannot read it types nothing */
}

static void
prompt(int fd, const char *what)
{
	struct buf text;

	buf_init(&text, PROMPT_LARGEST);
	if (buf_append_str(&text, "Passphrase of ") &&
	    text_show(&text, what, TEXT_WHOLE) &&
	    buf_append_str(&text, ": ") && buf_str(&text) != NULL)
		say(fd, buf_str(&text));
	else
		say(fd, "Passphrase: ");
	buf_free(&text);
}

/* A line of the terminal, byte by byte: nothing of it stays in a buffer of
 * ours. */
static bool
read_line(int fd, char *out, size_t size)
{
	size_t used = 0;
	ssize_t n;
	char c;

	for (;;) {
		n = read(fd, &c, 1);
		if (n < 0 && errno == EINTR && !cancel_requested())
			continue;
		if (n <= 0)
			return false;
		if (c == '\n' || c == '\r')
			break;
		if (used + 1 >= size)
			return false;
		out[used++] = c;
	}
	out[used] = '\0';
	return used > 0;
}

/* Whoever interrupts the question finds the terminal as it was. */
static bool
ask(int fd, const char *what, char *out, size_t size)
{
	struct termios shown, hidden;
	bool ok;

	if (tcgetattr(fd, &shown) != 0)
		return false;
	hidden = shown;
	hidden.c_lflag &= ~(tcflag_t)(ECHO | ECHONL);
	if (tcsetattr(fd, TCSAFLUSH, &hidden) != 0)
		return false;
	prompt(fd, what);
	ok = read_line(fd, out, size);
	tcsetattr(fd, TCSAFLUSH, &shown);
	say(fd, "\n");
	return ok;
}

bool
passphrase_get(const struct passphrase *p, const char *what, char *out,
    size_t size)
{
	bool ok = false;
	int fd;

	memset(out, 0, size);
	if (p->text != NULL) {
		ok = strlen(p->text) < size;
		if (ok)
			memcpy(out, p->text, strlen(p->text) + 1);
	} else if ((fd = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY)) >= 0) {
		ok = ask(fd, what, out, size);
		close(fd);
	}
	if (!ok)
		explicit_bzero(out, size);
	return ok;
}
