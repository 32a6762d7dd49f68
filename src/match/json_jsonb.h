/*
 * match/json_jsonb.h
 *		The binding of the shared matching code to jsonb, for the server.
 *
 * It walks the stored form in place (its layout is described in utils/jsonb.h), so that matching an
 * ordinary fact allocates nothing.
 */
#ifndef FACTSTR_JSON_JSONB_H
#define FACTSTR_JSON_JSONB_H

#include "postgres.h"

#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/memutils.h"
#include "utils/numeric.h"

#include "match/json_value.h"
#include "match/jsonb_number.h"

typedef struct fs_json
{
	fs_json_kind kind;
	union
	{
		bool		boolean;
		Numeric		number;
		fs_text text;
		struct
		{
			JsonbContainer *container;	/* an array or an object */
			uint32		length;
		}			nested;
	}			value;
} fs_json;

/* Keys of an object come before all of its values, so a walk keeps two offsets. */
typedef struct fs_json_iterator
{
	const JsonbContainer *container;
	char	   *data;			/* where the children's bytes begin */
	uint32		count;			/* elements, or members */
	uint32		index;			/* of the next element, or member */
	uint32		key_offset;		/* of the next key; objects only */
	uint32		value_offset;	/* of the next element, or value */
} fs_json_iterator;

static inline fs_json
fs_json_of_container(JsonbContainer *container, uint32 length)
{
	fs_json		result = {FS_JSON_NULL};

	result.kind = JsonContainerIsObject(container) ? FS_JSON_OBJECT : FS_JSON_ARRAY;
	result.value.nested.container = container;
	result.value.nested.length = length;
	return result;
}

/* The value of a child, given its entry and where its bytes begin, before alignment. */
static inline fs_json
fs_json_of_child(JEntry entry, char *data, uint32 offset)
{
	fs_json		result = {FS_JSON_NULL};
	uint32		length = JBE_HAS_OFF(entry) ? JBE_OFFLENFLD(entry) - offset : JBE_OFFLENFLD(entry);

	if (JBE_ISCONTAINER(entry))
		return fs_json_of_container((JsonbContainer *) (data + INTALIGN(offset)),
									length - (INTALIGN(offset) - offset));
	if (JBE_ISSTRING(entry))
	{
		result.kind = FS_JSON_STRING;
		result.value.text.data = data + offset;
		result.value.text.length = length;
	}
	else if (JBE_ISNUMERIC(entry))
	{
		result.kind = FS_JSON_NUMBER;
		result.value.number = (Numeric) (data + INTALIGN(offset));
	}
	else if (JBE_ISBOOL(entry))
	{
		result.kind = FS_JSON_BOOLEAN;
		result.value.boolean = JBE_ISBOOL_TRUE(entry);
	}
	else
		result.kind = FS_JSON_NULL;
	return result;
}

static inline fs_json_kind
fs_json_kind_of(fs_json value)
{
	return value.kind;
}

static inline size_t
fs_json_count(fs_json array_or_object)
{
	return JsonContainerSize(array_or_object.value.nested.container);
}

static inline bool
fs_json_is_same(fs_json a, fs_json b)
{
	return a.value.nested.container == b.value.nested.container;
}

static inline void
fs_json_iterate(fs_json array_or_object, fs_json_iterator *iterator)
{
	JsonbContainer *container = array_or_object.value.nested.container;
	bool		is_object = array_or_object.kind == FS_JSON_OBJECT;

	iterator->container = container;
	iterator->count = JsonContainerSize(container);
	iterator->data = (char *) &container->children[is_object ? iterator->count * 2 : iterator->count];
	iterator->index = 0;
	iterator->key_offset = 0;
	iterator->value_offset = is_object ? getJsonbOffset(container, iterator->count) : 0;
}

static inline bool
fs_json_next_element(fs_json_iterator *iterator, fs_json *element)
{
	JEntry		entry;

	if (iterator->index >= iterator->count)
		return false;
	entry = iterator->container->children[iterator->index++];
	*element = fs_json_of_child(entry, iterator->data, iterator->value_offset);
	JBE_ADVANCE_OFFSET(iterator->value_offset, entry);
	return true;
}

static inline bool
fs_json_next_member(fs_json_iterator *iterator, fs_text *key, fs_json *value)
{
	JEntry		key_entry;
	JEntry		value_entry;

	if (iterator->index >= iterator->count)
		return false;
	key_entry = iterator->container->children[iterator->index];
	value_entry = iterator->container->children[iterator->index + iterator->count];
	iterator->index++;

	*key = fs_json_of_child(key_entry, iterator->data, iterator->key_offset).value.text;
	*value = fs_json_of_child(value_entry, iterator->data, iterator->value_offset);
	JBE_ADVANCE_OFFSET(iterator->key_offset, key_entry);
	JBE_ADVANCE_OFFSET(iterator->value_offset, value_entry);
	return true;
}

static inline fs_json
fs_json_of_jsonb_value(const JsonbValue *found)
{
	fs_json		result = {FS_JSON_NULL};

	switch (found->type)
	{
		case jbvBinary:
			return fs_json_of_container(found->val.binary.data, found->val.binary.len);
		case jbvString:
			result.kind = FS_JSON_STRING;
			result.value.text.data = found->val.string.val;
			result.value.text.length = found->val.string.len;
			break;
		case jbvNumeric:
			result.kind = FS_JSON_NUMBER;
			result.value.number = found->val.numeric;
			break;
		case jbvBool:
			result.kind = FS_JSON_BOOLEAN;
			result.value.boolean = found->val.boolean;
			break;
		default:
			result.kind = FS_JSON_NULL;
			break;
	}
	return result;
}

static inline bool
fs_json_object_get(fs_json object, fs_text key, fs_json *value)
{
	JsonbValue	found;

	if (getKeyJsonValueFromContainer(object.value.nested.container, key.data,
									 (int) key.length, &found) == NULL)
		return false;
	*value = fs_json_of_jsonb_value(&found);
	return true;
}

static inline fs_text
fs_json_string(fs_json string)
{
	return string.value.text;
}

static inline int
fs_json_scalar_compare(fs_json a, fs_json b)
{
	switch (a.kind)
	{
		case FS_JSON_NULL:
			return 0;
		case FS_JSON_BOOLEAN:
			return (int) a.value.boolean - (int) b.value.boolean;
		case FS_JSON_STRING:
			return fs_text_compare(a.value.text, b.value.text);
		case FS_JSON_NUMBER:
			return DatumGetInt32(DirectFunctionCall2(numeric_cmp,
													 NumericGetDatum(a.value.number),
													 NumericGetDatum(b.value.number)));
		default:
			elog(ERROR, "not a JSON scalar: kind %d", a.kind);
	}
	return 0;
}

static inline fs_int64_result
fs_json_int64(fs_json number, int64_t *result)
{
	Datum		value = NumericGetDatum(number.value.number);
	Datum		lowest = DirectFunctionCall1(int8_numeric, Int64GetDatum(PG_INT64_MIN));
	Datum		highest = DirectFunctionCall1(int8_numeric, Int64GetDatum(PG_INT64_MAX));

	if (!DatumGetBool(DirectFunctionCall2(numeric_eq, value,
										  DirectFunctionCall1(numeric_floor, value))))
		return FS_INT64_NOT_AN_INTEGER;
	if (DatumGetBool(DirectFunctionCall2(numeric_lt, value, lowest)) ||
		DatumGetBool(DirectFunctionCall2(numeric_gt, value, highest)))
		return FS_INT64_OUT_OF_RANGE;
	*result = DatumGetInt64(DirectFunctionCall1(numeric_int8, value));
	return FS_INT64_OK;
}

static inline fs_text
fs_json_number_text(fs_json number)
{
	return fs_numeric_text(number.value.number);
}

static inline bool
fs_json_boolean(fs_json boolean)
{
	return boolean.value.boolean;
}

static inline size_t
fs_json_number_length(fs_json number)
{
	char	   *digits = DatumGetCString(DirectFunctionCall1(numeric_out,
															 NumericGetDatum(number.value.number)));
	size_t		length = strlen(digits);

	pfree(digits);
	return length;
}

/* Each level has a header and an entry. */
static inline bool
fs_json_may_nest(fs_json array_or_object, size_t levels)
{
	return array_or_object.value.nested.length >= levels * (sizeof(uint32) + sizeof(JEntry));
}

static inline uint64_t
fs_json_scalar_hash(fs_json scalar)
{
	switch (scalar.kind)
	{
		case FS_JSON_BOOLEAN:
			return scalar.value.boolean ? 1 : 0;
		case FS_JSON_NUMBER:
			return DatumGetUInt64(DirectFunctionCall2(hash_numeric_extended,
													  NumericGetDatum(scalar.value.number),
													  Int64GetDatum(0)));
		default:
			return 0;
	}
}

static inline void
fs_check_interrupts(void)
{
	CHECK_FOR_INTERRUPTS();
}

static inline bool
fs_interrupted(void)
{
	CHECK_FOR_INTERRUPTS();
	return false;
}

/* Lists may be as long as a document is large, so the limit of an ordinary allocation is lifted. */
static inline void *
fs_allocate(size_t size)
{
	return MemoryContextAllocHuge(CurrentMemoryContext, size);
}

static inline void
fs_release(void *memory)
{
	if (memory != NULL)
		pfree(memory);
}

/* The root of a document.  jsonb wraps a scalar at the root into an array of one. */
static inline fs_json
fs_json_of_jsonb(Jsonb *document)
{
	JsonbContainer *root = &document->root;

	if (JsonContainerIsScalar(root))
		return fs_json_of_child(root->children[0], (char *) &root->children[1], 0);
	return fs_json_of_container(root, VARSIZE(document) - VARHDRSZ);
}

/* A value within a document as a separate document, in the current memory context. */
static inline Jsonb *
fs_json_to_jsonb(fs_json value)
{
	JsonbValue	result;

	switch (value.kind)
	{
		case FS_JSON_NULL:
			result.type = jbvNull;
			break;
		case FS_JSON_BOOLEAN:
			result.type = jbvBool;
			result.val.boolean = value.value.boolean;
			break;
		case FS_JSON_NUMBER:
			result.type = jbvNumeric;
			result.val.numeric = value.value.number;
			break;
		case FS_JSON_STRING:
			result.type = jbvString;
			result.val.string.val = unconstify(char *, value.value.text.data);
			result.val.string.len = (int) value.value.text.length;
			break;
		case FS_JSON_ARRAY:
		case FS_JSON_OBJECT:
			result.type = jbvBinary;
			result.val.binary.data = value.value.nested.container;
			result.val.binary.len = (int) value.value.nested.length;
			break;
	}
	return JsonbValueToJsonb(&result);
}

#endif							/* FACTSTR_JSON_JSONB_H */
