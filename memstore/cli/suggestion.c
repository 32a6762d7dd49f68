/*
 * suggestion.c
 *		Suggestions for misspelt words.
 */
#include <string.h>

#include "suggestion.h"

#define CLI_LONGEST_WORD 32

static size_t
cli_least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/*
 * How many characters are to be inserted, left out, replaced or exchanged with their neighbour: the
 * optimal string alignment distance.  The words are not longer than CLI_LONGEST_WORD.
 */
static size_t
cli_distance(const char *a, size_t a_length, const char *b, size_t b_length)
{
	size_t		distances[CLI_LONGEST_WORD + 1][CLI_LONGEST_WORD + 1];

	for (size_t i = 0; i <= a_length; i++)
		distances[i][0] = i;
	for (size_t j = 0; j <= b_length; j++)
		distances[0][j] = j;
	for (size_t i = 1; i <= a_length; i++)
	{
		for (size_t j = 1; j <= b_length; j++)
		{
			size_t		least = distances[i - 1][j - 1] + (a[i - 1] != b[j - 1]);

			least = cli_least(least, distances[i - 1][j] + 1);
			least = cli_least(least, distances[i][j - 1] + 1);
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
				least = cli_least(least, distances[i - 2][j - 2] + 1);
			distances[i][j] = least;
		}
	}
	return distances[a_length][b_length];
}

/* A third of the characters may be wrong, and at least one. */
void
cli_consider(cli_suggestion *suggestion, const char *known)
{
	size_t		length = strlen(suggestion->word);
	size_t		known_length = strlen(known);
	size_t		distance;

	if (length > CLI_LONGEST_WORD || known_length > CLI_LONGEST_WORD)
		return;
	distance = cli_distance(suggestion->word, length, known, known_length);
	if (distance > known_length / 3 && distance > 1)
		return;
	if (suggestion->nearest == NULL || distance < suggestion->distance)
	{
		suggestion->nearest = known;
		suggestion->distance = distance;
	}
}
