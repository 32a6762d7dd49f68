/*
 * stores/postgres/values.c
 *		Values from the server, which are in binary format.
 */
#include "stores/postgres/backend.h"

/* Microseconds from 1970-01-01 to 2000-01-01, where the server's times begin. */
#define FS_POSTGRES_EPOCH INT64_C(946684800000000)

#define FS_DAY INT64_C(86400000000)
#define FS_MONTH (30 * FS_DAY)

static uint64_t
fs_read_big_endian(const char *bytes, int count)
{
	uint64_t	value = 0;

	for (int i = 0; i < count; i++)
		value = value << 8 | (unsigned char) bytes[i];
	return value;
}

int64_t
fs_value_int8(const PGresult *rows, int row, int column)
{
	if (PQgetlength(rows, row, column) != 8)
		return 0;
	return (int64_t) fs_read_big_endian(PQgetvalue(rows, row, column), 8);
}

int32_t
fs_value_int4(const PGresult *rows, int row, int column)
{
	if (PQgetlength(rows, row, column) != 4)
		return 0;
	return (int32_t) fs_read_big_endian(PQgetvalue(rows, row, column), 4);
}

bool
fs_value_bool(const PGresult *rows, int row, int column)
{
	return PQgetlength(rows, row, column) == 1 && PQgetvalue(rows, row, column)[0] != 0;
}

/* Infinite times are as far away as there are times. */
int64_t
fs_value_time(const PGresult *rows, int row, int column)
{
	int64_t		time = fs_value_int8(rows, row, column);

	if (PQgetisnull(rows, row, column))
		return 0;
	return time > INT64_MAX - FS_POSTGRES_EPOCH ? INT64_MAX : time + FS_POSTGRES_EPOCH;
}

/* The server sends microseconds, days and months. */
int64_t
fs_value_interval(const PGresult *rows, int row, int column)
{
	const char *bytes = PQgetvalue(rows, row, column);

	if (PQgetlength(rows, row, column) != 16)
		return 0;
	return (int64_t) fs_read_big_endian(bytes, 8) +
		(int32_t) fs_read_big_endian(bytes + 8, 4) * FS_DAY +
		(int32_t) fs_read_big_endian(bytes + 12, 4) * FS_MONTH;
}

char *
fs_value_text(const PGresult *rows, int row, int column)
{
	return PQgetisnull(rows, row, column) ? NULL : PQgetvalue(rows, row, column);
}

/* A byte for the version of the format comes first. */
char *
fs_value_jsonb(const PGresult *rows, int row, int column)
{
	return PQgetlength(rows, row, column) < 1 ? NULL : PQgetvalue(rows, row, column) + 1;
}
