/*
 * secrets.h
 *		Passwords in the user's input.
 */
#ifndef FACTSTR_CLI_SECRETS_H
#define FACTSTR_CLI_SECRETS_H

/* Finds the start of a possible password in a text: in a URL, or after "password="; NULL if there is none. */
const char *cli_find_secret(const char *text);

#endif							/* FACTSTR_CLI_SECRETS_H */
