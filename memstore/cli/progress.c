/*
 * progress.c
 *		A line on the terminal that tells how far a long command has got.
 */
#include <stdio.h>
#include <unistd.h>

#include "base/threads.h"
#include "progress.h"
#include "text.h"

/* How long a line stays as it is, in ms. */
#define CLI_PROGRESS_INTERVAL 200

#define CLI_BAR_WIDTH 24

static bool cli_quiet;
static const char *cli_verb;
static bool cli_shown;			/* there is a line on the terminal now */
static bool cli_ever_shown;
static int64_t cli_started;
static int64_t cli_last_shown;
static uint64_t cli_facts;
static uint64_t cli_done;
static uint64_t cli_total;

void
cli_be_quiet(void)
{
	cli_quiet = true;
}

bool
cli_is_quiet(void)
{
	return cli_quiet;
}

void
cli_progress_begin(const char *verb, bool data_on_stdout)
{
	cli_verb = !cli_quiet && isatty(STDERR_FILENO) && !(data_on_stdout && isatty(STDOUT_FILENO)) ? verb : NULL;
	cli_started = fs_monotonic_time();
	cli_last_shown = cli_started;
	cli_facts = 0;
}

/* "  43% [##########              ]", if the whole is known. */
static void
cli_show_bar(void)
{
	int			percent;
	int			filled;

	if (cli_total == 0)
		return;
	percent = cli_done >= cli_total ? 100 : (int) (100.0 * (double) cli_done / (double) cli_total);
	filled = percent * CLI_BAR_WIDTH / 100;
	fprintf(stderr, " %3d%% [%.*s%*s]", percent, filled, "########################",
			CLI_BAR_WIDTH - filled, "");
}

static void
cli_show(int64_t now)
{
	double		seconds = (double) (now - cli_started) / 1000.0;
	char		facts[CLI_COUNT_SIZE];
	char		rate[CLI_COUNT_SIZE];

	fprintf(stderr, "\r\033[K%s", cli_verb);
	cli_show_bar();
	fprintf(stderr, " %s facts, %s facts/s", cli_format_count(cli_facts, facts),
			cli_format_count(seconds > 0 ? (uint64_t) ((double) cli_facts / seconds) : 0, rate));
	(void) fflush(stderr);
	cli_shown = true;
	cli_ever_shown = true;
	cli_last_shown = now;
}

void
cli_progress_add(uint64_t facts, uint64_t done, uint64_t total)
{
	int64_t		now;

	cli_facts += facts;
	cli_done = done;
	cli_total = total;
	if (cli_verb == NULL)
		return;
	now = fs_monotonic_time();
	if (now - cli_last_shown >= CLI_PROGRESS_INTERVAL)
		cli_show(now);
}

void
cli_progress_clear(void)
{
	if (cli_shown)
		fputs("\r\033[K", stderr);
	cli_shown = false;
}

/* Work that ended before anything was shown needs no line. */
void
cli_progress_end(void)
{
	if (cli_verb != NULL && cli_ever_shown)
	{
		cli_show(fs_monotonic_time());
		fputc('\n', stderr);
	}
	cli_shown = false;
	cli_verb = NULL;
}
