/*
 * secrets.h
 *		Passwords in the user's input.
 */
#ifndef FACTSTR_CLI_SECRETS_H
#define FACTSTR_CLI_SECRETS_H

/* Where something begins in a text that may hold a password: in a URL, or behind "password="; or NULL. */
const char *cli_find_secret(const char *text);

#endif							/* FACTSTR_CLI_SECRETS_H */
