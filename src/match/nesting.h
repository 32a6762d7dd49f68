/*
 * match/nesting.h
 *		How deep a payload may be nested: rule 4 of the contract.
 */
#ifndef FACTSTR_NESTING_H
#define FACTSTR_NESTING_H

/* Every JSON parser that reads facts accepts this depth, including the objects around a payload. */
#define FS_DEEPEST_NESTING 1000

/*
 * A whole text may be nested this much deeper: a payload is in an event, which is in an array, and a
 * predicate in a list of predicates of a filter in a list of a query.
 */
#define FS_LEVELS_AROUND 4

#define FS_NESTING_SHAPE "Arrays and objects are nested at most 1000 levels deep."

#endif							/* FACTSTR_NESTING_H */
