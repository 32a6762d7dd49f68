/*
 * relations.h
 *		Relations in PostgreSQL's catalogs, by name and by number, also thousands of them.
 */
#ifndef FACTSTR_RELATIONS_H
#define FACTSTR_RELATIONS_H

#include "nodes/pg_list.h"

typedef struct CatalogRelation
{
	NameData	name;
	char		kind;
	Oid			access_method;
	Oid			tablespace;
	Oid			file;
} CatalogRelation;

extern void fs_relations_init(void);
extern void fs_relations_expect(Oid schema);
extern Oid	fs_relation_named(const char *name, Oid schema);
extern bool fs_relation_find(Oid oid, CatalogRelation *relation);
extern bool fs_relation_is_of_kind(Oid oid, char kind);
extern List *fs_relation_indexes(Oid table);

#endif							/* FACTSTR_RELATIONS_H */
