/*
 * pages.c
 *		See found.h: facts in pages.  One JSON.parse reads a page: V8 makes objects faster than C does through
 *		N-API.  Numbers, and the indexes of types, are passed beside the JSON.
 */
#include "found.h"

#include <stdlib.h>
#include <string.h>

/* A page with this many bytes of payloads and metadata is full, so that its text does not exceed the longest string. */
#define ENOUGH_BYTES (1 << 20)

/* The memory for a longer text is not kept. */
#define MOST_KEPT (4 << 20)

/* The number of types that are searched for an equal one.  Further types are written again, which only costs time. */
#define MOST_TYPES 32

#define MICROSECONDS 1000000

typedef struct fn_content
{
	const factstr_fact *facts[FN_PAGE];
	size_t		payloads[FN_PAGE];	/* their lengths */
	size_t		count;
	size_t		bytes;
	bool		has_metadata;
} fn_content;

/*
 * Texts
 */

static bool
grow(fn_text *text, size_t more)
{
	size_t		room = text->room < 4096 ? 4096 : text->room;
	char	   *data;

	while (room - text->length < more)
		room *= 2;
	data = realloc(text->data, room);
	text->failed = text->failed || data == NULL;
	if (data == NULL)
		return false;
	text->data = data;
	text->room = room;
	return true;
}

static void
add(fn_text *text, const char *data, size_t length)
{
	if (text->room - text->length < length && !grow(text, length))
		return;
	memcpy(text->data + text->length, data, length);
	text->length += length;
}

static void
add_char(fn_text *text, char character)
{
	add(text, &character, 1);
}

static void
add_string(fn_text *text, const char *string)
{
	static const char digits[] = "0123456789abcdef";

	add_char(text, '"');
	for (; *string != '\0'; string++)
	{
		const unsigned char byte = (unsigned char) *string;
		const char	escape[] = {'\\', 'u', '0', '0', digits[byte >> 4], digits[byte & 15]};

		if (byte < 0x20)
			add(text, escape, sizeof(escape));
		else
		{
			if (byte == '"' || byte == '\\')
				add_char(text, '\\');
			add_char(text, *string);
		}
	}
	add_char(text, '"');
}

void
fn_text_free(fn_text *text)
{
	free(text->data);
	*text = (fn_text) {0};
}

/*
 * The facts of a page
 */

static void
take_fact(const factstr_fact *fact, fn_page *page, fn_content *content)
{
	size_t		length = strlen(fact->payload);

	page->sequence_numbers[content->count] = fact->sequence_number;
	content->facts[content->count] = fact;
	content->payloads[content->count++] = length;
	content->bytes += length;
	if (fact->metadata != NULL)
	{
		content->has_metadata = true;
		content->bytes += strlen(fact->metadata);
	}
}

static bool
is_full(const fn_content *content)
{
	return content->count == FN_PAGE || content->bytes >= ENOUGH_BYTES;
}

/* Takes facts until the page is full.  Returns whether all were taken. */
static bool
take_facts(fn_found *found, const factstr_fact *facts, size_t count, fn_page *page, fn_content *content)
{
	while (found->fact < count && !is_full(content))
		take_fact(&facts[found->fact++], page, content);
	return found->fact == count;
}

static void
begin_batch(const factstr_batch *batch, fn_page *page)
{
	page->first_of_batch[page->batch_count] = batch->first_sequence_number;
	page->last_of_batch[page->batch_count] = batch->last_sequence_number;
	page->count_of_batch[page->batch_count] = (uint32_t) batch->fact_count;
	page->batch_count++;
}

/* Takes batches until the page is full.  Returns whether all are in this page or an earlier one. */
static bool
take_batches(fn_found *found, fn_page *page, fn_content *content)
{
	while (found->batch < found->batch_count)
	{
		const factstr_batch *batch = &found->batches[found->batch];

		if (found->fact == 0 && (page->batch_count == FN_PAGE || is_full(content)))
			return false;
		if (found->fact == 0)
			begin_batch(batch, page);
		if (!take_facts(found, batch->facts, batch->fact_count, page, content))
			return false;
		found->batch++;
		found->fact = 0;
	}
	return true;
}

/*
 * The text of a page
 */

/* Microseconds are counted from the start of the second, also before 1970. */
static int64_t
microseconds_of(int64_t time)
{
	int64_t		rest = time % MICROSECONDS;

	return rest < 0 ? rest + MICROSECONDS : rest;
}

/* Writes a time over the previous one, which is often in the same second; then only the microseconds change. */
static void
write_time(int64_t time, int64_t before, char *text)
{
	int64_t		rest = microseconds_of(time);

	if (time - rest != before - microseconds_of(before) || strlen(text) != FN_TIME_LENGTH)
		(void) factstr_format_time(time, text);
	else
		for (int place = FN_TIME_LENGTH - 2; place >= FN_TIME_LENGTH - 7; place--, rest /= 10)
			text[place] = (char) ('0' + rest % 10);
}

/* Returns false if the times do not all have the same length. */
static bool
add_even_times(fn_text *text, const fn_content *content)
{
	char		time[FACTSTR_TIME_SIZE] = "";
	int64_t		before = 0;

	add_char(text, '"');
	for (size_t i = 0; i < content->count; i++)
	{
		write_time(content->facts[i]->occurred_at, before, time);
		if (time[FN_TIME_LENGTH - 1] != 'Z' || time[FN_TIME_LENGTH] != '\0')
			return false;
		add(text, time, FN_TIME_LENGTH);
		before = content->facts[i]->occurred_at;
	}
	add_char(text, '"');
	return true;
}

static void
add_times(fn_text *text, const fn_content *content)
{
	char		time[FACTSTR_TIME_SIZE];
	size_t		begin = text->length;

	if (add_even_times(text, content))
		return;
	text->length = begin;
	for (size_t i = 0; i < content->count; i++)
	{
		add_char(text, i == 0 ? '[' : ',');
		add_string(text, factstr_format_time(content->facts[i]->occurred_at, time));
	}
	add_char(text, ']');
}

/* Returns the index of a type among the written ones, and writes the type if it is new. */
static uint32_t
place_of_type(fn_text *text, const char *type, const char **types, uint32_t *count, uint32_t *written)
{
	for (uint32_t i = *count; i > 0; i--)
		if (strcmp(types[i - 1], type) == 0)
			return i - 1;
	if (*count < MOST_TYPES)
		types[(*count)++] = type;
	add(text, ",", *written > 0);
	add_string(text, type);
	return (*written)++;
}

static void
add_types(fn_text *text, const fn_content *content, fn_page *page)
{
	const char *types[MOST_TYPES];
	uint32_t	count = 0;
	uint32_t	written = 0;

	add_char(text, '[');
	for (size_t i = 0; i < content->count; i++)
		page->types[i] = place_of_type(text, content->facts[i]->event_type, types, &count, &written);
	add_char(text, ']');
}

static void
add_payloads(fn_text *text, const fn_content *content)
{
	for (size_t i = 0; i < content->count; i++)
	{
		add_char(text, i == 0 ? '[' : ',');
		add(text, content->facts[i]->payload, content->payloads[i]);
	}
	add_char(text, ']');
}

static void
add_metadata(fn_text *text, const fn_content *content)
{
	for (size_t i = 0; i < content->count; i++)
	{
		const char *metadata = content->facts[i]->metadata == NULL ? "null" : content->facts[i]->metadata;

		add_char(text, i == 0 ? '[' : ',');
		add(text, metadata, strlen(metadata));
	}
	add_char(text, ']');
}

static void
add_content(fn_text *text, const fn_content *content, fn_page *page)
{
	add_char(text, '[');
	add_times(text, content);
	add_char(text, ',');
	add_types(text, content, page);
	add_char(text, ',');
	add_payloads(text, content);
	if (content->has_metadata)
	{
		add_char(text, ',');
		add_metadata(text, content);
	}
	add_char(text, ']');
}

bool
fn_found_read_page(fn_found *found, fn_page *page, fn_text *text)
{
	fn_content	content;

	if (text->room > MOST_KEPT)
		fn_text_free(text);
	text->length = 0;
	text->failed = false;
	content.count = content.bytes = 0;
	content.has_metadata = false;
	page->batch_count = 0;
	page->is_last = found->batches == NULL
		? take_facts(found, found->facts, found->fact_count, page, &content)
		: take_batches(found, page, &content);
	page->fact_count = (uint32_t) content.count;
	if (content.count > 0)
		add_content(text, &content, page);
	return !text->failed;
}
