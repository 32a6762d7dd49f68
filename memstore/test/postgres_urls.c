/*
 * postgres_urls.c
 *		Tests of URLs of servers: errors in one are reported without a part of its password.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "lib/stores.h"

/* A piece of the password that is so long must not be told. */
#define PIECE 3

/* No server listens there. */
#define NOWHERE "127.0.0.1:1"

/* Passwords whose special characters are not percent-encoded. */
static const char *const passwords[] = {
	"wq7/zj9vk", "wq7@zj9vk", "wq7:zj9vk", "wq7?zj9vk", "wq7#zj9vk", "wq7%zj9vk", "wq7%", "wq7%00zj9vk",
	"wq7&zj9vk", "wq7=zj9vk", "wq7?zj9=vk4", "wq7?zj9&vk4", "wq7[zj9vk", "wq7]zj9vk", "[wq7]zj9vk", "wq7,zj9vk",
	"wq7 zj9vk", "wq7;zj9vk", "wq7\"zj9vk", "wq7'zj9vk", "wq7\\zj9vk", "wq7\nzj9vk", "wq7zj9vk", "wq7//zj9vk@@",
	"/wq7zj9vk", "/wq7:zj9@vk4", "@wq7zj9vk", ":wq7zj9vk", "918273645", "918/273645", "918273@645918", "918?273645/192"
};

/* The places where a password stands, or gets to by mistake. */
static const char *const urls[] = {
	"postgresql://127.0.0.1:%s@" NOWHERE "/bank", "postgres://127.0.0.1:%s@" NOWHERE "/bank", "postgresql://:%s@" NOWHERE "/bank",
	"postgresql://127.0.0.1:%s@[::1/bank", "postgresql://127.0.0.1:%s@127.0.0.1:99999/bank", "postgresql://127.0.0.1:%s@127.0.0.1:x/bank",
	"postgresql://127.0.0.1:%s", "postgresql://127.0.0.1:%s/bank", "postgresql://127.0.0.1:1,127.0.0.1:%s/bank",
	"postgresql:///joe:%s@" NOWHERE "/bank", "postgresql:///joe:%s@127.0.0.1", "postgresql://joe@%s@" NOWHERE "/bank",
	"postgresql://" NOWHERE "/bank?passwrod=%s", "postgresql://" NOWHERE "/bank?password=%s&sslmode=no",
	"postgresql://" NOWHERE "/bank?password=%s&keepalives=x", "postgresql://" NOWHERE "/bank?%s", "postgresql://" NOWHERE "/bank?a&password=%s",
	"postgresql://" NOWHERE "?user=joe&password=%s", "postgresql://joe:a?password=%s@" NOWHERE "/bank",
	"postgresql://" NOWHERE "/bank?sslmode=%s", "postgresql://" NOWHERE "/bank?port=%s", "postgresql://" NOWHERE "/bank?connect_timeout=%s",
	"postgresql://" NOWHERE "/bank?hostaddr=%s", "postgresql://" NOWHERE "/bank?target_session_attrs=%s", "postgresql://" NOWHERE "/bank?service=%s",
	"postgresql://" NOWHERE "/bank?channel_binding=%s", "postgresql://" NOWHERE "/bank?ssl_min_protocol_version=%s",
	"postgresql://" NOWHERE "/bank?factstr_log=%s", "postgresql://" NOWHERE "/bank?password=%s&factstr_log=Orders", "host=127.0.0.1 port=1 factstr_log=%s",
	"postgresql:127.0.0.1:%s@" NOWHERE "/bank", "postgresql:/joe:%s@" NOWHERE "/bank", "postgresq://joe:%s@" NOWHERE "/bank", "joe:%s@" NOWHERE "/bank",
	"host=127.0.0.1 port=1 password=%s", "password=%s"
};

/* Runs of letters and digits of the password, PIECE of them at a time, which begin at i. */
static bool
holds_piece(const char *text, const char *password)
{
	for (size_t i = 0; i + PIECE <= strlen(password); i++)
	{
		char		piece[PIECE + 1];
		bool		is_word = true;

		(void) snprintf(piece, sizeof(piece), "%s", password + i);
		for (size_t j = 0; j < PIECE; j++)
			is_word = is_word && isalnum((unsigned char) piece[j]);
		if (is_word && strstr(text, piece) != NULL)
			return true;
	}
	return false;
}

static void
test_passwords(const char *form)
{
	int			told = 0;
	int			opened = 0;

	for (size_t i = 0; i < sizeof(passwords) / sizeof(passwords[0]); i++)
	{
		char		url[300];
		factstr_store *store;
		factstr_error error;

		(void) snprintf(url, sizeof(url), form, passwords[i]);
		if (factstr_open(url, &store, &error) == FACTSTR_OK)
			opened += factstr_close(store, FACTSTR_CLOSE_TIMEOUT_MS) == FACTSTR_OK;
		else if (holds_piece(error.message, passwords[i]) || holds_piece(error.detail, passwords[i]) ||
				 holds_piece(error.hint, passwords[i]))
		{
			tap_diagnostic("%s: %s (%s) (%s)", url, error.message, error.detail, error.hint);
			told++;
		}
	}
	ok_int(told, 0, "no piece of a password is told: %s", form);
	ok_int(opened, 0, "and no store is opened");
}

/* The error is reported in our words, by the name of the option. */
static void
ok_refused(const char *url, int code, const char *message, const char *word)
{
	factstr_store *store = NULL;
	factstr_error error = {0};
	char		words[sizeof(error.detail) + sizeof(error.hint) + 2];

	ok_code(factstr_open(url, &store, &error), code, &error, "%s", url);
	ok_contains(error.message, message, "the message names the problem");
	(void) snprintf(words, sizeof(words), "%s %s", error.detail, error.hint);
	ok_contains(words, word, "and the rest, how it is right: %s", words);
	(void) factstr_close(store, FACTSTR_CLOSE_TIMEOUT_MS);
}

static void
test_words(void)
{
	ok_refused("postgresql://joe:s3cr/et@host/bank", FACTSTR_CANNOT_OPEN, "invalid URL of the server: ", "\"/\" is %2F");
	ok_refused("postgresql://joe:s3%cret@host/bank", FACTSTR_CANNOT_OPEN, "a percent sign", "\"%\" is %25");
	ok_refused("postgresql://host:abc/bank", FACTSTR_CANNOT_OPEN, "the port is not", "port");
	ok_refused("postgresql://host/bank?port=5432,,65536", FACTSTR_CANNOT_OPEN, "the port is not", "port");
	ok_refused("postgresql://host/bank?keepalives_idle=often", FACTSTR_CANNOT_OPEN,
			   "unknown option \"keepalives_idle\" in the URL of the server", "number");
	ok_refused("postgresql://" NOWHERE "/bank?sslmode=sometimes", FACTSTR_CANNOT_OPEN,
			   "unknown option \"sslmode\" in the URL of the server", "values");
	ok_refused("postgresql://host/bank?no_such_option=1", FACTSTR_CANNOT_OPEN, "there is no such option", "option");
	ok_refused("postgresql://host/bank?sslmode", FACTSTR_CANNOT_OPEN, "an option has no value", "option");
}

/* The system's reason is passed on with any URL. */
static void
test_reasons(void)
{
	ok_refused("postgresql://" NOWHERE "/bank", FACTSTR_NOT_CONNECTED, "cannot connect to the server: Connection refused",
			   "running");
	ok_refused("postgresql://j%40e:s%2Fcret@" NOWHERE "/b%20k", FACTSTR_NOT_CONNECTED,
			   "cannot connect to the server: Connection refused", "running");
	ok_refused("postgresql://no-such-host.invalid/bank", FACTSTR_NOT_CONNECTED,
			   "cannot connect to the server: the name of its host cannot be looked up", "");
	ok_refused("postgresql:///bank?host=/no/such/directory", FACTSTR_NOT_CONNECTED,
			   "cannot connect to the server: No such file or directory", "running");
}

int
main(void)
{
	/* Also where a service or a file would say otherwise. */
	(void) unsetenv("PGSERVICE");
	for (size_t i = 0; i < sizeof(urls) / sizeof(urls[0]); i++)
		test_passwords(urls[i]);
	test_words();
	test_reasons();
	return tap_finish();
}
