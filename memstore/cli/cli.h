/*
 * cli.h
 *		The command factstr: its subcommands, and their exit statuses.
 */
#ifndef FACTSTR_CLI_H
#define FACTSTR_CLI_H

/* Exit statuses; the manual page promises them. */
typedef enum cli_status
{
	CLI_DONE = 0,
	CLI_FAILED = 1,
	CLI_USAGE = 2,
	CLI_CONFLICT = 3
} cli_status;

typedef struct cli_command
{
	const char *name;
	const char *summary;		/* its line in "factstr --help" */
	const char *usage;			/* the output of "factstr NAME --help" */
	cli_status	(*run) (int argc, char **argv);
} cli_command;

extern const cli_command cli_append_command;
extern const cli_command cli_append_if_command;
extern const cli_command cli_append_unless_command;
extern const cli_command cli_query_command;
extern const cli_command cli_newest_command;
extern const cli_command cli_read_command;
extern const cli_command cli_context_version_command;
extern const cli_command cli_tail_command;
extern const cli_command cli_streams_command;
extern const cli_command cli_status_command;
extern const cli_command cli_export_command;
extern const cli_command cli_import_command;
extern const cli_command cli_copy_command;
extern const cli_command cli_redact_command;
extern const cli_command cli_redactions_command;
extern const cli_command cli_logs_command;
extern const cli_command cli_create_log_command;
extern const cli_command cli_seal_log_command;
extern const cli_command cli_drop_log_command;
extern const cli_command cli_bench_command;
extern const cli_command cli_conformance_command;

#endif							/* FACTSTR_CLI_H */
