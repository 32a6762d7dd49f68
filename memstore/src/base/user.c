/*
 * base/user.c
 *		Who runs the process.
 */
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/user.h"
#include "base/utf8.h"

/* Entries of users are shorter; longer ones do without their name. */
#define FS_ENTRY_SIZE 4096

char *
fs_user_name(char *name)
{
	struct passwd entry;
	struct passwd *found = NULL;
	char		text[FS_ENTRY_SIZE];
	size_t		length = 0;

	if (getpwuid_r(geteuid(), &entry, text, sizeof(text), &found) == 0 && found != NULL)
		length = strlen(found->pw_name);
	if (length > 0 && length < FS_USER_NAME_SIZE && fs_utf8_is_valid(found->pw_name, length))
		memcpy(name, found->pw_name, length + 1);
	else
		(void) snprintf(name, FS_USER_NAME_SIZE, "uid %lu", (unsigned long) geteuid());
	return name;
}
