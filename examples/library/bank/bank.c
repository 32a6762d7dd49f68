/*
 * bank.c
 *		A bank on the store that its URL names: a command, or without one a prompt.
 *
 *		examples/library/build/bank sqlite:bank.db
 *		examples/library/build/bank sqlite:bank.db deposit A-1 5
 *		examples/library/build/bank postgresql:///mydatabase		(CREATE EXTENSION factstr there first)
 *
 * A command that is refused or fails has exit status 1, an unknown one 2.
 * Several may run on one store at the same time: the decisions of each hold against those of the others.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "bank.h"

#define MOST_WORDS 3

typedef struct Command
{
	const char *name;
	int			word_count;
	bool		(*run) (Bank *bank, char **words);
	const char *help;
} Command;

static const Command commands[] = {
	{"open", 2, open_account, "open ACCOUNT OWNER"},
	{"deposit", 2, deposit, "deposit ACCOUNT AMOUNT"},
	{"withdraw", 2, withdraw, "withdraw ACCOUNT AMOUNT"},
	{"transfer", 3, transfer, "transfer FROM TO AMOUNT"},
	{"balances", 0, show_balances, "balances"},
	{"history", 1, show_history, "history ACCOUNT"}
};

#define COMMAND_COUNT (sizeof(commands) / sizeof(commands[0]))

bool
failed(const factstr_error *error)
{
	printf("failed: %s\n", error->message);
	return false;
}

static void
show_help(FILE *file, const char *before)
{
	for (size_t i = 0; i < COMMAND_COUNT; i++)
		fprintf(file, "%s%s\n", before, commands[i].help);
}

static const Command *
find_command(const char *name, int word_count)
{
	for (size_t i = 0; i < COMMAND_COUNT; i++)
	{
		if (strcmp(commands[i].name, name) == 0 && commands[i].word_count == word_count)
			return &commands[i];
	}
	return NULL;
}

/* Runs one line; false when it is time to go. */
static bool
run_line(Bank *bank, char *line)
{
	char	   *words[MOST_WORDS + 2] = {NULL};
	char	   *rest = NULL;
	int			count = 0;
	const Command *command;

	for (char *word = strtok_r(line, " \t\n", &rest); word != NULL && count < MOST_WORDS + 2;
		 word = strtok_r(NULL, " \t\n", &rest))
		words[count++] = word;
	if (count == 0)
		return true;
	if (strcmp(words[0], "quit") == 0)
		return false;
	command = find_command(words[0], count - 1);
	if (command == NULL)
	{
		show_help(stdout, "");
		puts("quit");
	}
	else
		(void) command->run(bank, words + 1);
	return true;
}

/* Reads a line into the buffer; input that does not come from a terminal is shown as if it did. */
static bool
ask(char *line, int size)
{
	printf("bank> ");
	fflush(stdout);
	if (fgets(line, size, stdin) == NULL)
	{
		putchar('\n');
		return false;
	}
	if (!isatty(STDIN_FILENO))
		fputs(line, stdout);
	return true;
}

/* The exit status of one command, or of a prompt if there are no words. */
static int
run(Bank *bank, char **words, int count)
{
	const Command *command = count > 0 ? find_command(words[0], count - 1) : NULL;
	char		line[512];

	if (command != NULL)
		return command->run(bank, words + 1) ? 0 : 1;
	while (ask(line, sizeof(line)) && run_line(bank, line))
		;
	return 0;
}

int
main(int argc, char **argv)
{
	Bank		bank = {NULL, NULL};
	factstr_error error;
	int			status = 1;

	if (argc > 2 && find_command(argv[2], argc - 3) == NULL)
	{
		fputs("usage: bank [URL [COMMAND]], where COMMAND is one of\n", stderr);
		show_help(stderr, "  ");
		return 2;
	}
	if (factstr_open(argc > 1 ? argv[1] : "sqlite:bank.db", &bank.store, &error) == FACTSTR_OK)
		status = run(&bank, argv + 2, argc - 2);
	else
		fprintf(stderr, "bank: %s\n", error.message);
	balances_stop(&bank);
	factstr_close(bank.store, FACTSTR_CLOSE_TIMEOUT_MS);
	return status;
}
