/*
 * bank.c
 *		A bank at a prompt, on whichever store its URL names.
 *
 *		examples/library/build/bank sqlite:bank.db
 *		examples/library/build/bank postgresql:///mydatabase		(CREATE EXTENSION factstr there first)
 *
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
	void		(*run) (Bank *bank, char **words);
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

static void
show_help(void)
{
	for (size_t i = 0; i < COMMAND_COUNT; i++)
		puts(commands[i].help);
	puts("quit");
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
		show_help();
	else
		command->run(bank, words + 1);
	return true;
}

/* Reads a line into the buffer; what does not come from a terminal is shown as if it did. */
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

int
main(int argc, char **argv)
{
	Bank		bank = {NULL, NULL};
	factstr_error error;
	char		line[512];
	int			code = factstr_open(argc > 1 ? argv[1] : "sqlite:bank.db", &bank.store, &error);

	if (code == FACTSTR_OK)
		code = balances_start(&bank, &error);
	if (code != FACTSTR_OK)
		fprintf(stderr, "bank: %s\n", error.message);
	else
	{
		while (ask(line, sizeof(line)) && run_line(&bank, line))
			;
	}
	balances_stop(&bank);
	factstr_close(bank.store);
	return code == FACTSTR_OK ? 0 : 1;
}
