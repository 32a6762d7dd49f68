/*
 * definition.c
 *		The required definition of the extension's tables and indexes.
 *
 * Rows are read by the numbers of their columns, and answers come from the indexes.  A table or an index that has
 * the right name but another definition would make them wrong.  So objects that are found by name are compared
 * with their definitions.
 */
#include "postgres.h"

#include "access/genam.h"
#include "catalog/dependency.h"
#include "catalog/index.h"
#include "catalog/pg_am.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_opfamily.h"
#include "catalog/pg_type.h"
#include "commands/defrem.h"
#include "nodes/primnodes.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "definition.h"
#include "relations.h"

/* The operator family of jsonb_path_ops: as old as jsonb, without a name in the headers. */
#define JSONB_PATH_GIN_FAM_OID 4037

/* Texts are compared byte by byte; a nullable column may be made NOT NULL. */
typedef struct ColumnDefinition
{
	const char *name;
	Oid			type;
	bool		not_null;
} ColumnDefinition;

typedef struct TableDefinition
{
	const ColumnDefinition *columns;
	int			column_count;
} TableDefinition;

#define MOST_INDEX_COLUMNS 3

/* Columns that were added to a table are after those that users may have added before. */
#define COLUMN_OF_ANY_NUMBER (-1)

/* Ascending, and without included columns. */
typedef struct IndexDefinition
{
	const char *statement;		/* creates it, of its name and the table's */
	Oid			access_method;
	int			column_count;
	Oid			operator_families[MOST_INDEX_COLUMNS];
	AttrNumber	columns[MOST_INDEX_COLUMNS];
	AttrNumber	not_null;		/* of rows where this column is not null only */
	AttrNumber	is_null;		/* or where it is null; 0 twice: of all rows */
	bool		is_unique;
} IndexDefinition;

static const ColumnDefinition columns_of_events[] = {
	{"sequence_number", INT8OID, true},
	{"batch_first_sequence_number", INT8OID, true},
	{"occurred_at", TIMESTAMPTZOID, true},
	{"event_type", TEXTOID, true},
	{"payload", JSONBOID, true},
	{"metadata", JSONBOID, false},
	{"idempotency_key", TEXTOID, false},
};

/* Without those that 0.1.0 did not have (streams/streams.c). */
static const ColumnDefinition columns_of_streams[] = {
	{"name", TEXTOID, true},
	{"event_query", JSONBOID, true},
	{"cursor_sequence_number", INT8OID, true},
	{"last_success_at", TIMESTAMPTZOID, false},
	{"handler", TEXTOID, false},
	{"subscriber", NAMEOID, false},
	{"failure_count", INT4OID, true},
	{"last_error", TEXTOID, false},
	{"last_failed_at", TIMESTAMPTZOID, false},
	{"retry_at", TIMESTAMPTZOID, false},
};

static const ColumnDefinition columns_of_redactions[] = {
	{"sequence_number", INT8OID, true},
	{"redacted_at", TIMESTAMPTZOID, true},
	{"redacted_by", NAMEOID, true},
	{"reason", TEXTOID, true},
};

static const ColumnDefinition columns_of_parked[] = {
	{"log", TEXTOID, true},
	{"stream", TEXTOID, true},
	{"first_sequence_number", INT8OID, true},
	{"last_sequence_number", INT8OID, true},
	{"failure_count", INT4OID, true},
	{"error", TEXTOID, false},
	{"parked_at", TIMESTAMPTZOID, true},
};

static const ColumnDefinition columns_of_log_records[] = {
	{"log", TEXTOID, true},
	{"created_at", TIMESTAMPTZOID, false},
	{"created_by", NAMEOID, false},
	{"sealed_at", TIMESTAMPTZOID, false},
	{"sealed_by", NAMEOID, false},
	{"dropped_at", TIMESTAMPTZOID, false},
	{"dropped_by", NAMEOID, false},
	{"dropped_facts", INT8OID, false},
};

static const TableDefinition tables[TABLES] = {
	[TABLE_EVENTS] = {columns_of_events, lengthof(columns_of_events)},
	[TABLE_STREAMS] = {columns_of_streams, lengthof(columns_of_streams)},
	[TABLE_REDACTIONS] = {columns_of_redactions, lengthof(columns_of_redactions)},
	[TABLE_PARKED] = {columns_of_parked, lengthof(columns_of_parked)},
	[TABLE_LOG_RECORDS] = {columns_of_log_records, lengthof(columns_of_log_records)},
};

static const IndexDefinition indexes[] = {
	[INDEX_OF_NUMBERS] = {
		"ALTER TABLE %2$s ADD CONSTRAINT %1$s PRIMARY KEY (sequence_number)",
		BTREE_AM_OID, 1, {INTEGER_BTREE_FAM_OID}, {FACTSTR_SEQUENCE_NUMBER},
		.is_unique = true
	},
	[INDEX_OF_EVENT_TYPES] = {
		"CREATE INDEX %1$s ON %2$s (event_type, sequence_number)",
		BTREE_AM_OID, 2, {TEXT_BTREE_FAM_OID, INTEGER_BTREE_FAM_OID},
		{FACTSTR_EVENT_TYPE, FACTSTR_SEQUENCE_NUMBER}
	},
	[INDEX_OF_PAYLOADS] = {
		"CREATE INDEX %1$s ON %2$s USING gin (payload jsonb_path_ops) "
		"WITH (fastupdate = on, gin_pending_list_limit = 16384)",
		GIN_AM_OID, 1, {JSONB_PATH_GIN_FAM_OID}, {FACTSTR_PAYLOAD}
	},
	[INDEX_OF_KEYS] = {
		"CREATE UNIQUE INDEX %1$s ON %2$s (idempotency_key) "
		"WHERE idempotency_key IS NOT NULL",
		BTREE_AM_OID, 1, {TEXT_BTREE_FAM_OID}, {FACTSTR_IDEMPOTENCY_KEY},
		.not_null = FACTSTR_IDEMPOTENCY_KEY,
		.is_unique = true
	},
	[INDEX_OF_REDACTIONS] = {
		"CREATE INDEX %1$s ON %2$s (sequence_number)",
		BTREE_AM_OID, 1, {INTEGER_BTREE_FAM_OID}, {FACTSTR_REDACTION_SEQUENCE_NUMBER}
	},
	[INDEX_OF_STREAMS] = {
		"ALTER TABLE %2$s ADD CONSTRAINT %1$s PRIMARY KEY (name, log)",
		BTREE_AM_OID, 2, {TEXT_BTREE_FAM_OID, TEXT_BTREE_FAM_OID},
		{FACTSTR_STREAM_NAME, COLUMN_OF_ANY_NUMBER},
		.is_unique = true
	},
	[INDEX_OF_STREAMS_0_1] = {
		"ALTER TABLE %2$s ADD CONSTRAINT %1$s PRIMARY KEY (name)",
		BTREE_AM_OID, 1, {TEXT_BTREE_FAM_OID}, {FACTSTR_STREAM_NAME},
		.is_unique = true
	},
	[INDEX_OF_ERRORS] = {
		"CREATE INDEX %1$s ON %2$s (name) WHERE last_error IS NOT NULL",
		BTREE_AM_OID, 1, {TEXT_BTREE_FAM_OID}, {FACTSTR_STREAM_NAME},
		.not_null = FACTSTR_STREAM_LAST_ERROR
	},
	[INDEX_OF_PARKED] = {
		"ALTER TABLE %2$s ADD CONSTRAINT %1$s PRIMARY KEY (log, stream, first_sequence_number)",
		BTREE_AM_OID, 3, {TEXT_BTREE_FAM_OID, TEXT_BTREE_FAM_OID, INTEGER_BTREE_FAM_OID},
		{FACTSTR_PARKED_LOG, FACTSTR_PARKED_STREAM, FACTSTR_PARKED_FIRST},
		.is_unique = true
	},
	[INDEX_OF_LOG_RECORDS] = {
		"CREATE UNIQUE INDEX %1$s ON %2$s (log) WHERE dropped_at IS NULL",
		BTREE_AM_OID, 1, {TEXT_BTREE_FAM_OID}, {FACTSTR_RECORD_LOG},
		.is_null = FACTSTR_RECORD_DROPPED_AT,
		.is_unique = true
	},
};

static char *
qualified_name(Oid relation)
{
	return quote_qualified_identifier(get_namespace_name(get_rel_namespace(relation)),
									  get_rel_name(relation));
}

/*
 * Tables
 */

static Oid
collation_of_type(Oid type)
{
	return type == TEXTOID || type == NAMEOID ? C_COLLATION_OID : InvalidOid;
}

static bool
is_type_right(const ColumnDefinition *definition, Form_pg_attribute column)
{
	return column->atttypid == definition->type &&
		column->attcollation == collation_of_type(definition->type);
}

/* The column's type as the definition has it. */
static char *
defined_type(const ColumnDefinition *definition)
{
	return psprintf("%s%s", format_type_be(definition->type),
					definition->type == TEXTOID ? " COLLATE \"C\"" : "");
}

/* The statement that makes a column right, or NULL if none can. */
static char *
column_remedy(Oid table, const ColumnDefinition *definition, Form_pg_attribute column)
{
	if (column == NULL)
		return NULL;
	if (strcmp(NameStr(column->attname), definition->name) != 0)
		return psprintf("ALTER TABLE %s RENAME COLUMN %s TO %s", qualified_name(table),
						quote_identifier(NameStr(column->attname)), definition->name);
	if (!is_type_right(definition, column))
		return psprintf("ALTER TABLE %s ALTER COLUMN %s TYPE %s", qualified_name(table),
						definition->name, defined_type(definition));
	return psprintf("ALTER TABLE %s ALTER COLUMN %s SET NOT NULL", qualified_name(table),
					definition->name);
}

static bool
is_column_right(const ColumnDefinition *definition, Form_pg_attribute column)
{
	return strcmp(NameStr(column->attname), definition->name) == 0 &&
		is_type_right(definition, column) &&
		(column->attnotnull || !definition->not_null);
}

/*
 * Are the columns in the expected places?  Others may follow them.  If not: the requirement, in a sentence, and the
 * statement that fulfils it, NULL if none can.
 */
bool
fs_definition_find_wrong_column(TableId id, Relation table, char **detail, char **remedy)
{
	const TableDefinition *definition = &tables[id];
	TupleDesc	descriptor = RelationGetDescr(table);

	for (int i = 0; i < definition->column_count; i++)
	{
		const ColumnDefinition *defined = &definition->columns[i];
		Form_pg_attribute column = i < descriptor->natts ? TupleDescAttr(descriptor, i) : NULL;

		if (column != NULL && column->attisdropped)
			column = NULL;
		if (column != NULL && is_column_right(defined, column))
			continue;
		*detail = psprintf("Its column %d must be \"%s\", of type %s%s.", i + 1, defined->name,
						   defined_type(defined), defined->not_null ? ", and NOT NULL" : "");
		*remedy = column_remedy(RelationGetRelid(table), defined, column);
		return true;
	}
	return false;
}

void
fs_definition_require_columns(TableId id, Relation table)
{
	char	   *detail;
	char	   *remedy;

	if (fs_definition_find_wrong_column(id, table, &detail, &remedy))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("table \"%s\" of extension factstr is not as the extension defines it",
						RelationGetRelationName(table)),
				 errdetail("%s", detail),
				 remedy != NULL ? errhint("%s.", remedy) :
				 errhint("The column was dropped. Restore the table from a backup.")));
}

static void
raise_missing(const char *name, Oid schema, const char *hint)
{
	ereport(ERROR,
			(errcode(ERRCODE_UNDEFINED_TABLE),
			 errmsg("relation \"%s\" of extension factstr is missing from schema \"%s\"", name,
					get_namespace_name(schema)),
			 errhint("%s", hint)));
}

/* The table of this name.  Its columns are looked at when it is locked. */
Oid
fs_definition_require_table(TableId id, const char *log, Oid schema)
{
	char	   *name = fs_log_table_name(id, log);
	Oid			table = fs_relation_named(name, schema);

	if (!OidIsValid(table))
		raise_missing(name, schema, "Restore it, or drop the extension and create it again.");
	if (!fs_relation_is_of_kind(table, RELKIND_RELATION))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("relation \"%s\" of extension factstr is not a table", name),
				 errhint("Restore the table, or drop the extension and create it again.")));
	pfree(name);
	return table;
}

/*
 * Indexes
 */

static bool
are_columns_right(const IndexDefinition *definition, Relation index)
{
	if (IndexRelationGetNumberOfAttributes(index) != definition->column_count ||
		IndexRelationGetNumberOfKeyAttributes(index) != definition->column_count)
		return false;
	for (int i = 0; i < definition->column_count; i++)
	{
		if (index->rd_index->indkey.values[i] != definition->columns[i] &&
			definition->columns[i] != COLUMN_OF_ANY_NUMBER)
			return false;
	}
	return true;
}

static bool
are_operators_right(const IndexDefinition *definition, Relation index)
{
	for (int i = 0; i < definition->column_count; i++)
	{
		Oid			family = definition->operator_families[i];

		if (index->rd_opfamily[i] != family ||
			index->rd_indcollation[i] !=
			(family == TEXT_BTREE_FAM_OID ? C_COLLATION_OID : InvalidOid))
			return false;
	}
	return true;
}

static bool
is_ascending(const IndexDefinition *definition, Relation index)
{
	for (int i = 0; i < definition->column_count; i++)
	{
		if (index->rd_indoption[i] != 0)
			return false;
	}
	return true;
}

static AttrNumber
partial_by(const IndexDefinition *definition)
{
	return definition->not_null != 0 ? definition->not_null : definition->is_null;
}

/* Is it a list of one condition, that the column is null, or is not?  Without a column: is there no condition? */
static bool
is_predicate_right(List *predicate, const IndexDefinition *definition)
{
	NullTest   *test;

	if (partial_by(definition) == 0)
		return predicate == NIL;
	if (list_length(predicate) != 1 || !IsA(linitial(predicate), NullTest))
		return false;
	test = linitial(predicate);
	return test->nulltesttype == (definition->not_null != 0 ? IS_NOT_NULL : IS_NULL) && IsA(test->arg, Var) &&
		((Var *) test->arg)->varattno == partial_by(definition);
}

/* The problem of an index, as a sentence, or NULL. */
static char *
index_flaw(const IndexDefinition *definition, Relation index, Relation table)
{
	Form_pg_index form = index->rd_index;

	if (form->indrelid != RelationGetRelid(table))
		return psprintf("It is an index of table \"%s\".", get_rel_name(form->indrelid));
	if (!form->indisvalid)
		return "It is invalid, as an index is while it is built concurrently and after that has failed.";
	if (index->rd_rel->relam != definition->access_method)
		return psprintf("Its access method is %s.", get_am_name(index->rd_rel->relam));
	if (!are_columns_right(definition, index))
		return "Its columns are not those of the extension's index.";
	if (!are_operators_right(definition, index))
		return "The operator class or collation of a column is another one.";
	if (!is_ascending(definition, index))
		return "The order of a column is another one.";
	if (form->indisunique != definition->is_unique)
		return form->indisunique ? "It is unique." : "It is not unique.";
	if (!form->indimmediate)
		return "It is deferrable.";
	if (!is_predicate_right(RelationGetIndexPredicate(index), definition))
		return partial_by(definition) == 0 ? "It is partial." : "It is of other rows.";
	return NULL;
}

static char *
drop_statement(Oid index)
{
	Oid			constraint = get_index_constraint(index);

	if (!OidIsValid(constraint))
		return psprintf("DROP INDEX %s", qualified_name(index));
	return psprintf("ALTER TABLE %s DROP CONSTRAINT %s",
					qualified_name(IndexGetRelation(index, false)),
					quote_identifier(get_constraint_name(constraint)));
}

/* The statement that creates an index. */
char *
fs_definition_index_statement(IndexId id, const char *log, Oid table)
{
	return psprintf(indexes[id].statement, quote_identifier(fs_log_index_name(id, log)), qualified_name(table));
}

/* The index with this name, which must have the expected definition. */
Oid
fs_definition_require_index(IndexId id, const char *log, Relation table)
{
	const IndexDefinition *definition = &indexes[id];
	Oid			schema = RelationGetNamespace(table);
	char	   *name = fs_log_index_name(id, log);
	Oid			oid = fs_relation_named(name, schema);
	Relation	index;
	char	   *flaw;

	if (!OidIsValid(oid))
		raise_missing(name, schema,
					  psprintf("Create it: %s.", fs_definition_index_statement(id, log, RelationGetRelid(table))));
	if (!fs_relation_is_of_kind(oid, RELKIND_INDEX))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("relation \"%s\" of extension factstr is not an index", name),
				 errhint("Give it another name, and create the index: %s.",
						 fs_definition_index_statement(id, log, RelationGetRelid(table)))));
	index = index_open(oid, AccessShareLock);
	flaw = index_flaw(definition, index, table);
	if (flaw != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("index \"%s\" of extension factstr is not usable", name),
				 errdetail("%s", flaw),
				 errhint("Replace it, unless it is being built: %s; %s.", drop_statement(oid),
						 fs_definition_index_statement(id, log, RelationGetRelid(table)))));
	index_close(index, NoLock);
	pfree(name);
	return oid;
}
