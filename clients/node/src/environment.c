/*
 * environment.c
 *		See environment.h.
 */
#include "environment.h"

#include "values.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

fn_environment *
fn_environment_retain(fn_environment *environment)
{
	environment->references++;
	return environment;
}

void
fn_environment_release(fn_environment *environment)
{
	if (--environment->references == 0)
		free(environment);
}

static void
end_environment(napi_env env, void *data, void *hint)
{
	fn_environment *environment = data;

	(void) hint;
	if (environment->buffer != NULL)
		(void) napi_delete_reference(env, environment->buffer);
	if (environment->completed != NULL)
		(void) napi_delete_reference(env, environment->completed);
	fn_found_free(&environment->unread);
	fn_text_free(&environment->text);
	environment->exchange = NULL;
	fn_environment_release(environment);
}

static bool
export_array(napi_env env, napi_value exports, napi_value buffer, const char *name, napi_typedarray_type type,
			 size_t offset, size_t length)
{
	napi_value	array;

	return napi_create_typedarray(env, type, length, buffer, offset, &array) == napi_ok
		&& napi_set_named_property(env, exports, name, array) == napi_ok;
}

/* The memory stays until the environment is freed. */
static bool
export_exchange(napi_env env, napi_value exports, fn_environment *environment)
{
	void	   *data;
	napi_value	buffer;

	if (napi_create_arraybuffer(env, sizeof(fn_exchange), &data, &buffer) != napi_ok ||
		napi_create_reference(env, buffer, 1, &environment->buffer) != napi_ok)
		return false;
	environment->exchange = data;
#define EXPORT(name, type, member, count) \
	export_array(env, exports, buffer, name, type, offsetof(fn_exchange, member), count)
	return EXPORT("numbers", napi_biguint64_array, numbers, FN_NUMBERS)
		&& EXPORT("sequenceNumbers", napi_biguint64_array, page.sequence_numbers, FN_PAGE)
		&& EXPORT("firstOfBatch", napi_biguint64_array, page.first_of_batch, FN_PAGE)
		&& EXPORT("lastOfBatch", napi_biguint64_array, page.last_of_batch, FN_PAGE)
		&& EXPORT("countOfBatch", napi_uint32_array, page.count_of_batch, FN_PAGE)
		&& EXPORT("types", napi_uint32_array, page.types, FN_PAGE)
		&& EXPORT("sizes", napi_uint32_array, page.fact_count, 3);
#undef EXPORT
}

fn_environment *
fn_environment_begin(napi_env env, napi_value exports)
{
	fn_environment *environment = calloc(1, sizeof(*environment));

	if (environment == NULL)
		return fn_throw(env, "out of memory");
	environment->references = 1;
	if (napi_set_instance_data(env, environment, end_environment, NULL) != napi_ok)
	{
		free(environment);
		return fn_throw(env, "out of memory");
	}
	return export_exchange(env, exports, environment) ? environment : fn_throw(env, "out of memory");
}

napi_value
fn_next_page_value(napi_env env, fn_environment *environment)
{
	fn_text    *text = &environment->text;
	napi_value	value = NULL;

	if (!fn_found_read_page(&environment->unread, &environment->exchange->page, text))
		(void) fn_throw(env, "out of memory");
	else if (text->length > 0)
		value = fn_text_value(env, text->data, text->length);
	else
		(void) napi_get_null(env, &value);
	if (environment->exchange->page.is_last)
		fn_found_free(&environment->unread);
	return value;
}

static napi_value
failure_value(napi_env env, const fn_call *call)
{
	const char *document = call->result != NULL ? call->result : "{\"code\": \"unknown\", \"message\": \"the call failed\"}";
	napi_value	text = fn_text_value(env, document, strlen(document));
	napi_value	array;

	if (text == NULL || napi_create_array_with_length(env, 1, &array) != napi_ok ||
		napi_set_element(env, array, 0, text) != napi_ok)
		return NULL;
	return array;
}

napi_value
fn_outcome_value(napi_env env, fn_environment *environment, fn_call *call)
{
	napi_value	value = NULL;

	memcpy(environment->exchange->numbers, call->numbers, sizeof(call->numbers));
	if (call->code != FACTSTR_OK)
		value = failure_value(env, call);
	else if (call->opened != NULL)
	{
		value = fn_handle_value(env, call->opened);
		call->opened = NULL;
	}
	else if (call->found.owner != NULL)
	{
		fn_found_free(&environment->unread);
		environment->unread = call->found;
		call->found = (fn_found) {0};
		value = fn_next_page_value(env, environment);
	}
	else if (call->result != NULL)
		value = fn_text_value(env, call->result, strlen(call->result));
	else
		(void) napi_get_null(env, &value);
	fn_call_end(call);
	return value;
}
