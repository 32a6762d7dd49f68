/*
 * results/codes.c
 *		Names and meanings of the codes, from the one list in factstr.h, and the version.
 */
#include "factstr.h"

typedef struct fs_code
{
	int			code;
	const char *name;
	const char *sqlstate;
	const char *text;
} fs_code;

static const fs_code fs_codes[] = {
	{FACTSTR_OK, "ok", "", "success"},
#define FS_CODE(NAME, number, json, sqlstate, text) {number, json, sqlstate, text},
	FACTSTR_CODES(FS_CODE)
#undef FS_CODE
};

static const fs_code *
fs_find_code(int code)
{
	static const fs_code unknown = {0, "unknown", "", "this is no code of factstr"};

	for (size_t i = 0; i < sizeof(fs_codes) / sizeof(fs_codes[0]); i++)
	{
		if (fs_codes[i].code == code)
			return &fs_codes[i];
	}
	return &unknown;
}

const char *
factstr_code_name(int code)
{
	return fs_find_code(code)->name;
}

const char *
factstr_code_text(int code)
{
	return fs_find_code(code)->text;
}

const char *
factstr_code_sqlstate(int code)
{
	return fs_find_code(code)->sqlstate;
}

const char *
factstr_version(void)
{
	return FACTSTR_VERSION;
}
